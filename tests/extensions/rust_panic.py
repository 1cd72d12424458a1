"""A function in Rust panics, and a panic does not leave a function that C calls."""

import rust_panic

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT405",
    "headline": ("rust_panic",),
    "shows": ("weigh", "rust_panic.rs"),
    "never": ("FT105", "FT106"),
    "victim": False,
    "race": None,
    "known": None,
    "annotation": "rust_panic.py",
}

if __name__ == "__main__":
    print(rust_panic.weigh([1, 2]))
    print(rust_panic.weigh([1, 2, 3, 4, 5]))
