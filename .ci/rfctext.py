"""The RFCs as text, for .ci/examples and .ci/musts: $CITRON_SHARED/rfc or
../shared/rfc, without page breaks."""
import glob, os, re, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# Where the dialogues are, and what is said of examples and sections without one.
TESTDATA = sorted(glob.glob(os.path.join(ROOT, "**/testdata/**/"), recursive=True))

# The RFCs of the message store's extensions, those of RFC 5550 and since, and of
# submission.
RFCS = [1870, 2034, 2342, 2852, 2920, 3030, 3207, 3461, 3464, 3516, 4314, 4467, 4468, 4469, 4731, 4865, 4954, 4978, 5032,
        5182, 5255, 5256, 5267, 5464, 5465, 5466, 5524, 5550, 5957, 6152, 6203, 6376, 6409, 6522, 6531, 6533, 6710, 7377, 7505, 8437, 8440, 8461, 8463, 8508,
        8689, 9208, 9394, 9422, 9586, 9590]

HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+\S|^(Appendix [A-Z])")
FURNITURE = re.compile(r"^(?:RFC \d+ .*\d{4}|.*\[Page \d+\])$")


def shared():
    named = os.environ.get("CITRON_SHARED", "")
    return named if named not in ("", "required") else os.path.join(ROOT, "../shared")


def there(what, verb):
    """Whether the RFCs are there. With CITRON_SHARED=required they must be; for
    anything but a check they must be anyway, since what is printed is kept."""
    if os.path.isdir(os.path.join(shared(), "rfc")):
        return True
    if os.environ.get("CITRON_SHARED") == "required":
        sys.exit("../shared/rfc is not there, and CITRON_SHARED says that it must be")
    if verb != "check":
        sys.exit(f"{what} {verb}: ../shared/rfc is not there; CITRON_SHARED says where it is")
    print(f"SKIP {what}: ../shared is not there")
    return False


def lines(rfc):
    """(section, line number, line) of an RFC's text."""
    with open(os.path.join(shared(), "rfc", f"rfc{rfc}.txt"), encoding="utf-8", errors="replace") as f:
        raw = f.read().replace("\f", "\n").split("\n")
    text, blank, section = [], False, ""
    for number, line in enumerate(raw, 1):
        if FURNITURE.match(line.rstrip()):
            blank = True  # of the blank lines around it none is the text's
            while text and not text[-1][2]:
                text.pop()
            continue
        if not line.strip() and blank:
            continue
        heading = HEADING.match(line)
        if heading and "...." not in line:
            section = heading.group(1) or heading.group(2)
        if blank and text:
            text.append((section, number, ""))
        blank = False
        text.append((section, number, line.rstrip()))
    return text


def committed(name, made):
    """Fails if a generated file is not what it would be made to be."""
    with open(os.path.join(ROOT, "docs", name + ".md"), encoding="utf-8") as f:
        if f.read() != made:
            sys.exit(f"docs/{name}.md is out of date: .ci/{name} table > docs/{name}.md")
