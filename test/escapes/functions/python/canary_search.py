"""Looks for text that is not its own."""

import os
import re

from attempt import Refused, canary_in

# Files of /proc that never end, are the kernel's own table or hold the memory of a process.
SKIPPED = re.compile(r"kmsg|kcore|kpage.*|kallsyms|mem|pagemap|clear_refs|sysrq-trigger|slabinfo")
DEPTH = 4
PAGE = 4096
PIECE = 4 * 1024 * 1024
REGION = 16 * 1024**3


def find_in_proc():
    files = 0
    for folder, folders, names in os.walk("/proc"):
        # Threads show what their process shows.
        deep = folder.count("/") > DEPTH
        folders[:] = [] if deep else [name for name in folders if name != "task"]
        for name in names:
            path = f"{folder}/{name}"
            if SKIPPED.fullmatch(name) or os.path.islink(path):
                continue
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                text = os.read(descriptor, 65536)
                files += 1
            except OSError:
                continue
            finally:
                os.close(descriptor)
            found = canary_in(text)
            if found:
                return f"{found} in {path}"
    raise Refused(f"none in {files} files")


def find_in_memory(process):
    """That its own canary is found shows that the search works."""
    total, saw_own = 0, False
    own = os.environ["OWN"].encode()
    with open(f"{process}/maps", encoding="utf8") as maps:
        regions = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps.read(), re.M)
    with open(f"{process}/mem", "rb", 0) as memory, open(f"{process}/pagemap", "rb", 0) as page_map:
        for start, end in ((int(start, 16), int(end, 16)) for start, end in regions):
            if end - start > REGION:
                continue
            for at in present_pieces(page_map, start, end):
                try:
                    text = os.pread(memory.fileno(), PIECE + 64, at)
                except OSError:
                    continue  # A region that went away since.
                total += len(text)
                saw_own = saw_own or own in text
                found = canary_in(text)
                if found:
                    return found
    raise Refused(f"none in {total} bytes{', its own is there' if saw_own else ''}")


def present_pieces(page_map, start, end):
    """Addresses of the pieces of the region of which a page is in memory."""
    for at in range(start, end, PIECE):
        pages = min(PIECE, end - at) // PAGE
        entries = os.pread(page_map.fileno(), pages * 8, at // PAGE * 8)
        if any(entries[index] & 0x80 for index in range(7, len(entries), 8)):
            yield at
