"""A block of malloc() is freed by close(), and again by the deallocator."""

import malloc_freed_twice

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT104",
    "confidence": "proven",
    "shows": ("stream_dealloc",),
    "never": ("PYTHONMALLOC",),
    "victim": False,
    "fails": {},
}

if __name__ == "__main__":
    malloc_freed_twice.Stream().close()
