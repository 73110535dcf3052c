"""Strange roadmaps for the tests: pieces of real ones and hostile words, in any order."""

from hypothesis import strategies as st

HOSTILE = (
    *(
        "\x1b[31mred\x1b[0m",
        "\x00",
        "..",
        "../../etc/passwd",
        "a/b\\c",
        "\u202egnp.exe",
        "\u0410\u0412\u0421",
        "\uff34rack",
        "\ud7ff",
    ),
    *(
        "x" * 300,
        "`",
        "``",
        "**",
        "*",
        "_",
        "~~",
        "[",
        "]",
        "(",
        ")",
        "|",
        "\\",
        "<!--",
        "-->",
        "\u2028",
        "\x0b",
        "\x85",
        "\t",
    ),
    *(
        "[DONE]",
        "[x]",
        "✅",
        "🔄 **[IN PROGRESS]",
        "[SKIPPED]",
        "- COMPLETE",
        "(all parallel)",
        "(done)",
        "1️⃣",
        "🌊",
        "Tests",
    ),
    *(
        "after Track 1",
        "depends on Track 2 of Group B",
        "after all other tracks",
        "`src/a.py`",
        "must",
        "~15 min",
        "Group A",
    ),
)
LINES = (
    *(
        "",
        "",
        "---",
        "===",
        "```",
        "~~~",
        "> quote",
        "<!--",
        "-->",
        "<div>",
        "text",
        "   indented",
        "    code",
        "\ttab",
    ),
    *("# Title", "## Format", "### Notes", "**Deliverables:**", "**Parallel Tracks:**", "#### Prerequisites"),
    *(
        "**Prerequisites:** None",
        "**Prerequisites:** Group A complete",
        "**Prerequisites:** Groups A-C, B complete; Group D",
    ),
    *(
        "**Prerequisites:** all previous groups",
        "- Group A",
        "| ID | Task | Files | Depends on | Status |",
        "|---|---|---|---|---|",
    ),
    *(
        "| 1 | a | `b.py` | 2 | Open |",
        "| 2 | a \\| b | | | Done |",
        "| 3 |",
        "2 | b",
        "| - | c | | | [ ] |",
        "| Task ID | Description |",
    ),
    *(
        "- Track 1",
        "Track 2: a paragraph",
        "  - nested",
        "   - `src/b.py` must",
        "   **Track 1: b**",
        "   after Track 1",
    ),
)

words = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6), max_size=4).map(" ".join)
letters = st.sampled_from(["A", "B", "C", "a", "2", "3.4", "Alpha", "../x", "Ω"])
numbers = st.sampled_from(["1", "2", "3", "10", "1.2", "2a", "B", "x/1", "../1", "1.lock", "٣"])
headings = st.builds(
    "{} {} {}{} {}".format,
    st.sampled_from(["##", "###", "####"]),
    st.just("Group"),
    letters,
    st.sampled_from([":", "", " -"]),
    words,
)
tracks = st.builds(
    "{}{}Track {}: {}{}{}".format,
    st.sampled_from(["1. ", "- ", "* ", "  - ", "#### ", "### ", "10) ", "- - ", ""]),
    st.sampled_from(["**", "", "[ ] **", "[x] ", "🔄 **", "**[DONE] "]),
    numbers,
    words,
    st.sampled_from(
        ["**", "", "** ✅ **[DONE]**", "** 🔄 **[IN PROGRESS]", "** [DEFERRED]", " - IN PROGRESS", "** ####"]
    ),
    st.sampled_from(["", "  ", " (all parallel)", " <!-- note", "\\"]),
)
lines = st.one_of(headings, headings, tracks, tracks, tracks, st.sampled_from(LINES), words)
roadmaps = st.builds(
    lambda rows, first: first + "".join(row + end for row, end in rows),
    st.lists(st.tuples(lines, st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n", ""])), max_size=16),
    st.sampled_from(["", "", "\ufeff", "---\na: b\n---\n"]),
)
