"""The words that travel the road: a plain file tells a document type's life cycle and messages.

Bodies, rules and sums may have files of their own beside it. A new document type is one file, its name
in these tuples, and its golden examples.
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
