"""A mapping is closed in one thread while another reads it."""

import threading

import closed_mapping

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT404",
    "headline": ("mapping_checksum",),
    "shows": ("mapping_checksum", "mapping_close"),
    "race": {"type": "closed_mapping.Mapping", "operations": ("checksum", "close")},
    "known": None,
}

if __name__ == "__main__":
    mapping = closed_mapping.Mapping()
    threads = [
        threading.Thread(target=mapping.checksum, name="reader"),
        threading.Thread(target=mapping.close, name="closer"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
