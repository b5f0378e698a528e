# What rspamd found to be spam goes to Junk; the owner's own rules see the rest.
require ["fileinto", "mailbox"];
if header :is "X-Spam" "Yes" {
  fileinto :create "Junk";
}
