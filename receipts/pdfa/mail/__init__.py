"""Messages in every wrapping: what they say is shown, what they carry is sorted, and none of it is believed.

`opening` reads a message of any format into `message.Message`, `choose` decides what in it is a receipt of its own,
`show` makes pages of the rest. The raw message is the record, carried whole and untouched.
"""

from receipts.pdfa.mail.show import show

__all__ = ["show"]
