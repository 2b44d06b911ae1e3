"""Manual pages out of what the program says of itself; called by scripts/install.

Names, meanings and defaults of options come from the argument parser's own description of the command line
(`--experimental-dump-help`), usages, which that lacks, from the help. A page a command: `rwsan.1`, `rwsan-train.1`,
`rwsan-fetch-vqa-v2.1`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

STATUS = [
    ("0", "The command has done what it was asked for."),
    ("1", "It could not; a line on standard error says why."),
    ("64", "The command line cannot be meant."),
    ("128 and a signal's number", "The signal ended the command; a run goes on from what was kept."),
]

ENVIRONMENT = [
    ("RWSAN_CACHE", "The folder for what can be made again; ~/.cache/rwsan if not set."),
    ("OMP_NUM_THREADS", "How many threads compute on the CPU."),
    ("HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN", "The Hugging Face hub, as its own tools take them."),
    ("https_proxy, no_proxy", "Proxies for what is fetched."),
]


def output(program: Path, *arguments: str) -> str:
    """What the program prints, under the name that users call it by."""
    command = [program.name, *arguments]
    return subprocess.run(command, executable=program, check=True, capture_output=True, text=True).stdout


def escaped(text: str) -> str:
    """Text as roff takes it: nothing in it is a request, and a hyphen is one that can be searched for and copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def paragraphs(text: str) -> list[str]:
    """Lines that stand by themselves stay so."""
    blocks = [block.strip("\n") for block in text.split("\n\n")]
    return [".PP\n" + escaped(block).replace("\n", "\n.br\n") for block in blocks if block]


def usage(program: Path, path: list[str]) -> list[str]:
    """The lines behind USAGE in the help."""
    lines = output(program, "help", *path).split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("USAGE: "))
    end = next(number for number in range(start, len(lines)) if not lines[number])
    return [line[len("USAGE: ") :] for line in lines[start:end]]


def label(argument: dict) -> str:
    """An option's names and value, in the fonts that manual pages have them in."""
    value = f"\\fI{escaped(argument['valueName'])}\\fR" if argument["kind"] != "flag" else ""
    if argument["kind"] == "positional":
        return value
    dashes = {"short": "-", "long": "--", "longWithSingleDash": "-"}
    names = [dashes[name["kind"]] + name["name"] for name in argument["names"]]
    return ", ".join(f"\\fB{escaped(name)}\\fR" for name in names) + (f" {value}" if value else "")


def entry(head: str, text: str) -> str:
    return f".TP\n{head}\n{escaped(text) or chr(92) + '&'}"


def options(command: dict) -> list[str]:
    """Sections of arguments, in the order of the help."""
    sections: dict[str, list[str]] = {}
    for argument in command.get("arguments", []):
        if not argument.get("shouldDisplay", True):
            continue
        title = argument.get("sectionTitle") or ("Arguments" if argument["kind"] == "positional" else "Options")
        text = argument.get("abstract", "")
        if "defaultValue" in argument:
            text += f" (default: {argument['defaultValue']})"
        sections.setdefault(title.upper(), []).append(entry(label(argument), text.strip()))
    return [f".SH {escaped(title)}\n" + "\n".join(entries) for title, entries in sections.items()]


def displayed(command: dict) -> list[dict]:
    """The subcommands that have a page."""
    return [
        one for one in command.get("subcommands", [])
        if one.get("shouldDisplay", True) and one["commandName"] != "help"
    ]


def page(program: Path, version: str, command: dict, path: list[str]) -> str:
    name = "-".join([program.name, *path])
    parts = [f'.TH "{escaped(name.upper())}" 1 "" "{escaped(version)}" "User Commands"']
    parts += [".SH NAME", f"{escaped(name)} \\- {escaped(command.get('abstract', '').rstrip('.'))}"]
    parts += [".SH SYNOPSIS", ".nf", *(escaped(line) for line in usage(program, path)), ".fi"]
    if command.get("discussion"):
        parts += [".SH DESCRIPTION", *paragraphs(command["discussion"])]
    subcommands = displayed(command)
    if subcommands:
        parts.append(".SH COMMANDS")
        parts += [
            entry(f"\\fB{escaped(name + '-' + one['commandName'])}\\fR(1)", one.get("abstract", "")) for one in subcommands
        ]
    parts += options(command)
    parts += [".SH EXIT STATUS", *(entry(f"\\fB{escaped(code)}\\fR", text) for code, text in STATUS)]
    if path:
        parents = ["-".join([program.name, *path[:count]]) for count in range(len(path))]
        parts += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(parent)}\\fR(1)" for parent in parents)]
    else:
        parts += [".SH ENVIRONMENT", *(entry(f"\\fB{escaped(names)}\\fR", text) for names, text in ENVIRONMENT)]
    return "\n".join(parts) + "\n"


def pages(program: Path) -> dict[str, str]:
    """All pages by the names of their files."""
    version = output(program, "--version").split("\n")[0].split(",")[0]
    found: dict[str, str] = {}

    def add(command: dict, path: list[str]) -> None:
        found["-".join([program.name, *path]) + ".1"] = page(program, version, command, path)
        for one in displayed(command):
            add(one, [*path, one["commandName"]])

    add(json.loads(output(program, "--experimental-dump-help"))["command"], [])
    return found
