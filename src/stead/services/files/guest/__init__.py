"""The files program as it runs inside the machine: WsgiDAV's protocol over folders, storage and rules of our own."""
