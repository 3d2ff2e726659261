"""What became of one escape, told as the JavaScript probe tells it."""

import asyncio
import errno
import os
import re
import subprocess

CANARY = re.compile(r"reactor-canary-[a-z]+-[0-9a-f]{32}")
WAY_SECONDS = 3
DETAIL_CHARS = 600


class Absent(Exception):
    """The machine lacks what a way needs."""


class Refused(Exception):
    """The answer shows that nothing was reached."""


def canary_in(text):
    """A canary in the text that is not its own secret."""
    if isinstance(text, bytes):
        text = text.decode("latin1")
    return next((found for found in CANARY.findall(text) if found != os.environ["OWN"]), None)


def first_match(pattern, text):
    found = re.search(pattern, text, re.M)
    return found and found[0]


def run(arguments, text=""):
    """Runs a program of the machine to its end."""
    try:
        return subprocess.run(arguments, input=text, capture_output=True, encoding="latin1", timeout=20)
    except FileNotFoundError as error:
        raise Absent(f"no {arguments[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise Refused("no end") from error


def output_of(*arguments, text=""):
    """Like `run`, for its output; raises what it complained of when it failed."""
    ran = run(list(arguments), text)
    if ran.returncode != 0:
        raise Refused((ran.stdout + ran.stderr).strip()[:100] or str(ran.returncode))
    return ran.stdout


async def attempt(name, ways):
    """Tries every way of an escape, one after the other."""
    outcomes, details = set(), []
    for by, way in ways.items():
        outcome, detail = await try_once(way)
        if outcome == "escaped":
            return {"name": name, "outcome": outcome, "detail": f"{by}: {detail}"}
        outcomes.add(outcome)
        details.append(f"{by}: {detail}")
    outcome = next(one for one in ("broken", "refused", "absent") if one in outcomes)
    return {"name": name, "outcome": outcome, "detail": "; ".join(details)[:DETAIL_CHARS]}


async def try_once(way):
    try:
        evidence = way()
        if asyncio.iscoroutine(evidence):
            evidence = await asyncio.wait_for(evidence, WAY_SECONDS)
        if isinstance(evidence, str) and evidence != "":
            return "escaped", evidence[:DETAIL_CHARS]
        return "refused", "nothing"
    except Absent as error:
        return "absent", str(error)
    except Refused as error:
        return "refused", str(error)
    except TimeoutError:
        return "refused", "no answer"
    except OSError as error:
        return "refused", errno.errorcode.get(error.errno, str(error)[:120])
    except Exception as error:  # The probe itself failed, and nothing is known.
        return "broken", f"{type(error).__name__}: {error}"[:120]
