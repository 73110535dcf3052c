"""What groups say must be finished before them."""

import pytest

from orchestrator.core.track import Finding
from orchestrator.errors import CannotParse
from orchestrator.plans.budget import Budget
from orchestrator.plans.document import read
from orchestrator.plans.mentions import Names
from orchestrator.plans.prerequisites import Statement, statements, understand

LETTERS = "ABCDEFGHIJKLM"


def _understood(words: str, own: str = "M") -> tuple[str, list[Finding]]:
    found = understand(Statement(7, words), own, Names(LETTERS), Budget())
    return "".join(found.groups), list(found.findings)


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        ("None", ""),
        ("None—this is where it all starts!", ""),
        ("**None** (start here)", ""),
        ("Nothing", ""),
        ("N/A", ""),
        ("No prerequisites", ""),
        ("None, though Group A helps", ""),
        ("", ""),
        ("Group A complete", "A"),
        ("Group A complete (needs what Group B makes)", "A"),
        ("(Group A complete)", "A"),
        ("Groups D + E complete (needs both)", "DE"),
        ("Groups C, D, F, H, I complete (all of them)", "CDFHI"),
        ("Groups F-H complete", "FHG"),
        ("Group C complete (need event classes), but can develop in parallel with Group D", "C"),
        ("Group E complete (needs algorithms); can develop in parallel with Groups F-K", "E"),
        ("Group E complete, can run in parallel with Group F", "E"),
        ("Groups C, D complete. Can develop in parallel with Group D.", "C"),
        ("Group C complete; Group D in parallel", "C"),
        ("Group C complete; Group D can be developed in parallel", "C"),
        ("Group C complete alongside Group D", "C"),
        ("Group C complete, independent of Group D", "C"),
        ("Group A complete; does not need Group B", "A"),
        ("Group A complete. It blocks Group D", "A"),
        ("Group A; must be ready before Group D", "A"),
        ("All previous groups complete", "ABCDEFGHIJKL"),
        ("All the groups above", "ABCDEFGHIJKL"),
        ("Previous phase complete", "L"),
    ],
)
def test_statements_that_are_clear(words: str, groups: str) -> None:
    """They name the groups to wait for, and there is nothing to remark."""
    assert _understood(words) == (groups, [])


def test_all_other_groups() -> None:
    """Those after it too."""
    assert _understood("All other groups", "C")[0] == "ABDEFGHIJKLM"


def test_what_is_recommended_is_said_and_not_waited_for() -> None:
    """Whether the word comes behind or before."""
    for words in ("Groups F-G complete, Group L recommended", "Groups F-G complete, ideally Group L"):
        groups, findings = _understood(words)
        assert groups == "FG"
        assert [(each.level, each.line) for each in findings] == [("warn", 7)]
        assert "group L is recommended" in findings[0].message


def test_or_is_read_as_and() -> None:
    """The careful reading, and it is said."""
    groups, findings = _understood("Group A or Group B complete")
    assert groups == "AB"
    assert "'or' between groups is read as 'and'" in findings[0].message


def test_words_without_a_group_are_shown() -> None:
    """Free text is kept, not believed."""
    groups, findings = _understood("the database \x1b[31mmust\x1b[0m be up")
    assert groups == ""
    assert [(each.level, each.rule, each.line) for each in findings] == [("warn", "prerequisites", 7)]
    assert "\x1b" not in findings[0].message


def test_a_group_that_does_not_exist_is_an_error() -> None:
    """With its line, and each once."""
    groups, findings = _understood("Groups A, Q and Zeta complete; Group Q too; Group Zeta")
    assert groups == "A"
    assert [(each.level, each.rule, each.line) for each in findings] == [
        ("error", "unknown_group", 7),
        ("error", "unknown_group", 7),
    ]


def test_an_unknown_group_that_is_not_waited_for_is_no_error() -> None:
    """Working beside a group that is not written down harms nobody."""
    assert _understood("Group A; can develop in parallel with Group Z") == ("A", [])


def test_multiplied_groups_are_refused() -> None:
    """A text that names everything again and again stops at a bound."""
    names = Names([f"A{number}" for number in range(2000)])
    with pytest.raises(CannotParse, match="in more than"):
        understand(Statement(1, "all previous groups; " * 3000), "A1999", names, Budget())


def _statements(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.words) for each in statements(read(text).blocks)]


@pytest.mark.parametrize(
    "text",
    [
        "**Prerequisites:** Group A complete\n",
        "**Prerequisites**: Group A complete\n",
        "Prerequisites: Group A complete\n",
        "*Prerequisites: Group A complete\n",
        "- **Prerequisites:** Group A complete\n",
        "**Depends on:** Group A complete\n",
        "**Dependencies:** Group A complete\n",
        "**Blocked by:** Group A complete\n",
        "**Requires:** Group A complete\n",
        "## Prerequisites\n\nGroup A complete\n",
        "**Prerequisites:** Group A complete <!-- Group B -->\n",
        "**Prerequisites:** Group A\ncomplete\n**Lead:** Group B\n",
        "**Prerequisites:** Group A complete\n---\n",
    ],
)
def test_forms_of_statements(text: str) -> None:
    """Labels in bold or not, in a list, in a heading, over several lines."""
    assert _statements(text) == [(1, "Group A complete")]


def test_a_list_under_the_label_is_the_statement() -> None:
    """Its items together; what comes after with a label of its own is not."""
    text = "**Prerequisites:**\n\n- Group A\n- Group B\n- **Lead:** Group C\n"
    assert _statements(text) == [(1, "Group A; Group B")]
    assert _statements("# Dependencies\n- Group A\n\nGroup B\n") == [(1, "Group A; Group B")]
    assert _statements("**Prerequisites:**\n") == [(1, "")]


def test_the_line_of_a_statement_is_its_own() -> None:
    """Also inside of a paragraph; and there may be several."""
    text = "*a motto*\n**Prerequisites:** Group A\n**Lead:** me\nDepends on: Group B\nand Group C\n"
    assert _statements(text) == [(2, "Group A"), (4, "Group B and Group C")]


def test_other_text_states_nothing() -> None:
    """A sentence about prerequisites is not a statement."""
    assert _statements("It depends on Group A.\n\nThe prerequisites: none\n\n| a | b |\n|---|---|\n") == []
