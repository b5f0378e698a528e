require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment"];
# Thrown away is not the same as wanted.
if not environment :is "imap.mailbox" ["Trash", "Junk"] {
  pipe :copy :try "learn" ["ham"];
}
