"""The words that travel the road: one plain file for each document type.

A new document type is one file, its name in these tuples, and its golden examples.
"""

from hundi.documents import financing, invoice, note, payment, purchase_order
from hundi.exchange.definition import DocumentType, MessageType

DOCUMENT_TYPES: tuple[DocumentType, ...] = (
    purchase_order.PURCHASE_ORDER,
    invoice.INVOICE,
    note.NOTE,
    payment.PAYMENT,
    *financing.FINANCING_TYPES,
)
MESSAGES: tuple[MessageType, ...] = (
    *purchase_order.MESSAGES,
    *invoice.MESSAGES,
    *note.MESSAGES,
    *payment.MESSAGES,
    *financing.MESSAGES,
)
