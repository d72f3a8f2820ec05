"""Where receipts arrive: a watched folder, a mailbox, the portal's inbox."""

from connectors.source.folder import FolderSource
from connectors.source.imap import ImapSource
from connectors.source.mobile import Inbox, MobileSource
from connectors.source.paths import PathsSource

__all__ = ["FolderSource", "ImapSource", "Inbox", "MobileSource", "PathsSource"]
