"""Hundi: a network on which two businesses exchange orders, invoices and payments."""

__version__ = "0.1.0"
