"""The portal: the pages and the answers of the gateway itself."""
