from __future__ import annotations

from typing import Callable, List, Tuple

import pytest

from dartenv.source.helpers import FILE_NAME, FILE_TEST
from dartenv.source.module import Module
from dartenv.source.prompts import NAME, TEST, PromptSite, find

Make = Callable[..., Module]
HEAD = "import os, re\nfrom pathlib import Path\n"


def sites(text: str, make: Make) -> List[PromptSite]:
    return list(find(make(HEAD + text)))


def shown(text: str, make: Make) -> List[Tuple[str, str]]:
    """What would be made a file name, and its state."""
    return [(s.module.segment(s.node), s.state) for s in sites(text, make) if s.kind == NAME]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("p = out / text_prompt", "text_prompt"),
        ("p = out / args.text_prompt", "args.text_prompt"),
        ("p = out / cfg['prompt']", "cfg['prompt']"),
        ("p = out / text_prompt[:40].replace(' ', '_')", "text_prompt[:40].replace(' ', '_')"),
        ("p = out / f'{prompt}_x'", "prompt"),
        ("p = out / f'{prompt[:3]:>9}_x'", "prompt[:3]"),
        ("p = out / (prompt + '_x')", "prompt"),
        ("p = out / ('%s_x' % prompt)", "prompt"),
        ("p = out / '{}_x'.format(prompt)", "prompt"),
        ("p = out / '_'.join([prompt, 'x'])", "prompt"),
        ("p = out / '_'.join(prompt.split(' '))", "'_'.join(prompt.split(' '))"),
        ("p = out / prompt.split('*')[0]", "prompt.split('*')[0]"),
        ("p = os.path.join(out, prompt)", "prompt"),
        ("p = os.path.join(out, prompt + '.npz')", "prompt"),
        ("p = Path(out, prompt)", "prompt"),
        ("p = Path(f'{out}/{prompt}')", "prompt"),
        ("p = out.joinpath(prompt)", "prompt"),
        ("p = q.with_name(prompt + '.pkl')", "prompt"),
        ("open(f'{prompt}.txt', 'w')", "prompt"),
        ("os.makedirs('out/' + prompt)", "prompt"),
        ("np.save(f'{prompt}.npy', x)", "prompt"),
        ("out /= prompt", "prompt"),
        ("p = out / str(prompt)", "str(prompt)"),
        ("p = out / (prompt or 'none')", "prompt"),
        ("p = out / (prompt if prompt else 'none')", "prompt"),
        ("p = out / userPrompt", "userPrompt"),
        ("p = out / prompts[0]", "prompts[0]"),
        ("for t in prompts:\n    p = out / t", "t"),
        ("for i, t in enumerate(prompts):\n    p = out / t", "t"),
        ("for s in prompt.split(','):\n    p = out / s.strip()", "s.strip()"),
        # Through names: what is nothing but the prompt is changed where it is used last.
        ("name = prompt[:9]\nprint(name)\np = out / name", "name"),
        ("name = prompt + '_x'\np = out / name", "prompt"),
        (
            "name = 'a'\nif prompt != '':\n    name = prompt[:9] + name\nname = f'x_{name}'\np = out / name",
            "prompt[:9]",
        ),
        ("name = 'a'\nname += prompt\np = out / name", "prompt"),
        ("parts = []\nparts.append(prompt)\np = out / '_'.join(parts)", "'_'.join(parts)"),
        (
            "class A:\n    def f(self):\n        self.n = prompt[:4]\n    def g(self):\n        return out / self.n",
            "self.n",
        ),
        (
            "class A:\n    def g(self):\n        return out / self.n\n    def f(self):\n        self.n = prompt[:4]",
            "self.n",
        ),
        ("def make(t):\n    return t.replace(' ', '_')\np = out / make(prompt)", "make(prompt)"),
        ("name = prompt\ndef f():\n    return out / name", "name"),
        ("if (name := prompt[:4]):\n    p = out / name", "name"),
    ],
)
def test_a_prompt_that_becomes_a_path(text: str, place: str, module: Make) -> None:
    assert shown(text, module) == [(place, "needed")]


@pytest.mark.parametrize(
    "text",
    [
        "print(text_prompt)",
        "x = encode(text_prompt)\ny = a / x",
        "y = a / len(prompt)",
        "y = a / prompt_length",
        "p = out / prompt_file",
        "p = out / args.prompt_path",
        "open(args.text_prompt)",
        "with open(rollout_args.text_prompt, 'r') as f:\n    pass",
        "p = out / 'prompt'",
        "# p = out / prompt",
        "texts = [prompt] * 3\nz = model(texts)\ny = z / 2",
        "name = f'seed{seed}'\np = out / name\nprint(prompt)",
        "action, count = prompt.split('*')\nfor i in range(int(count)):\n    p = out / f'{i}.npz'",
        "name = prompt\nname = 'fixed'\np = out / name",
        "def f(name):\n    return out / name\nf('fixed')\nprint(prompt)",
        "np.savez(path, text=prompt[:40])",
        "torch.save({'text': prompt}, path)",
        "log.info(f'out/{prompt}')",
        "p = out / hashlib.md5(prompt.encode()).hexdigest()",
        "sys.stdout.write('/' + prompt)",
    ],
)
def test_a_prompt_that_does_not(text: str, module: Make) -> None:
    assert sites(text, module) == []


@pytest.mark.parametrize(
    "text",
    [
        "p = out / re.sub(r'[<>:\"/\\\\|?*]', '_', prompt)",
        "p = out / re.sub(r'[^a-z]', '_', prompt)",
        "p = out / re.sub(r'\\W+', '_', prompt)",
        "name = prompt[:9] + '_x'\nname = re.sub('[*?]', '', name)\np = out / name",
        "p = out / prompt.replace('*', 'x')",
        "name = prompt.replace(' ', '_').replace('*', '')[:40] + '_x'\np = out / name",
        "p = out / prompt.translate(table)",
        "p = out / ''.join(c for c in prompt if c.isalnum())",
        "p = out / ''.join([c if c in allowed else '_' for c in prompt])",
        "p = out / sanitize_filename(prompt)",
        "p = out / slugify(prompt + '_x')",
        "prompt = safe_name(prompt)\np = out / prompt",
        "name = prompt + 'x'\nif os.name == 'nt':\n    name = re.sub('[*]', '', name)\np = out / name",
        "name = prompt + 'x'\nif '*' in name:\n    name = name.replace('*', '')\np = out / name",
        "def tidy(t):\n    return re.sub('[*]', '', t)\np = out / tidy(prompt)",
    ],
)
def test_a_prompt_made_a_file_name_by_hand(text: str, module: Make) -> None:
    assert {state for _, state in shown(text, module)} == {"repaired"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p = out / f'{prompt!r}.txt'", "repr"),
        ("p = out / f'{prompt=}'", "repr"),
        ("p = out / '/'.join(prompts)", "joined to a path"),
        ("def save(name):\n    open(out / name)\nsave(prompt)", "save() makes a path"),
        ("p = Path(prompt)\nif p.exists():\n    pass\nq = out / p", "file of prompts"),
    ],
)
def test_what_a_patch_must_leave_alone(text: str, reason: str, module: Make) -> None:
    found = [site for site in sites(text, module) if site.kind == NAME]
    assert [site.state for site in found] == ["unsure"]
    assert reason in found[0].note


def test_a_filter_over_words_is_no_filter_over_characters(module: Make) -> None:
    text = "names = [p for p in prompts if p not in seen]\nq = out / names[0]"
    assert shown(text, module) == [("names[0]", "needed")]


@pytest.mark.parametrize(
    "text",
    [
        "if Path(text_prompt).exists():\n    pass",
        "x = Path(args.text_prompt).is_file()",
        "x = Path(str(args.text_prompt)).expanduser().is_dir()",
        "p = Path(args.text_prompt)\nif p.exists():\n    pass",
    ],
)
def test_asking_whether_the_prompt_is_a_file(text: str, module: Make) -> None:
    (site,) = sites(text, module)
    assert (site.kind, site.state) == (TEST, "needed")
    assert site.symbol.startswith("Path.")


@pytest.mark.parametrize(
    "text",
    [
        "x = os.path.exists(text_prompt)",  # answers no by itself
        "x = Path(prompt_file).exists()",
        "x = out.exists()\nprint(prompt)",
        "x = Path('a').exists()\nprint(prompt)",
    ],
)
def test_asking_something_else(text: str, module: Make) -> None:
    assert sites(text, module) == []


def test_our_repairs_are_known_and_changed_ones_are_conflicts(module: Make) -> None:
    use = (
        "p = out / (_dartenv_file_name(prompt[:9]) + '_x')\n"
        "if _dartenv_file_test(Path(prompt).exists)():\n    pass\n"
    )
    ours = FILE_NAME.text + FILE_TEST.text + use
    assert [s.state for s in sites(ours, module)] == ["repaired", "repaired"]
    assert [s.state for s in sites(FILE_NAME.text + use, module)] == ["repaired", "conflict"]
    changed = ours.replace('return "_" + text', 'return "x" + text')
    assert [s.state for s in sites(changed, module)] == ["conflict", "repaired"]


def test_the_note_names_the_path(module: Make) -> None:
    (site,) = sites("name = prompt + '_x'\nprint(1)\np = out / name", module)
    assert site.line == 3
    assert site.note == "becomes part of a path at line 5"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_functions_without_a_prompt_are_passed_over_and_no_others(
    newline: str, module: Make
) -> None:
    lines = [
        *("def a(x):", "    def inner():", "        return out / x", "    return inner"),
        *("def b(userPROMPT):", "    return out / userPROMPT"),
        *("def c(x):", "    return out / x", "text = 'a prompt'"),
        *("def d(x):", "    return out / x, '''", "def e(prompt): return out / prompt", "'''"),
        *("class F:", "    def g(self, x):", "        return [out / p for p in x.prompts]"),
    ]
    found = sites(newline.join(lines), module)
    assert [site.module.segment(site.node) for site in found] == ["userPROMPT", "p"]
