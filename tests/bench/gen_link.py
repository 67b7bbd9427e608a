"""Writes a kernel, seven KPI symbol sets and 400 kexts of real kexts' shapes into a folder, the
same bytes every time, with a plan: a line per kext, "NAME LIBRARY DIRECT… | INDIRECT…",
numbers of earlier lines."""
import os
import pathlib
import random
import sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "model"))
from kit import *

KPIS, KEXTS, CLASSES, FUNCTIONS, LEVELS = 7, 400, 250, 5000, 6
WORDS = ("get set copy create remove attach detach power state device memory descriptor interrupt "
         "controller transfer request complete buffer queue event source command register "
         "property message client session bandwidth endpoint interface configuration").split()


class Names:
    """C++ names of 20 to 120 characters with long common prefixes."""

    def __init__(self, seed):
        self.random, self.count = random.Random(seed), 0

    def pick(self, low, high):
        self.count += 1
        words = [self.random.choice(WORDS) for _ in range(self.random.randint(low, high))]
        return words[0] + "".join(w.capitalize() for w in words[1:]) + str(self.count)

    def cls(self, prefix):
        name = prefix + self.pick(1, 2).capitalize()
        return "%d%s" % (len(name), name)

    def method(self, cls):
        name = self.pick(1, 4)
        args = "P%sS_jPv" % cls * self.random.randint(0, 2)
        return "__ZN%s%d%sE%s" % (cls, len(name), name, args or "v")


class Class:
    def __init__(self, name, parent, slots):
        self.name, self.parent, self.slots = name, parent, slots


def make_kernel(names):
    r = names.random
    kernel = Kernel(X86_64)
    functions = ["_" + names.pick(2, 4) for _ in range(FUNCTIONS)]
    for f in functions:
        kernel.function(f)
    meta = [names.method("11OSMetaClass") for _ in range(26)]
    kernel.klass("11OSMetaClass", meta)
    classes = []
    for i in range(CLASSES):
        shallow = [c for c in classes if len(c.slots) < 240]
        parent = r.choice(shallow) if i else None
        name = names.cls("IO" if i else "OS")
        slots = list(parent.slots) if parent else []
        for at in r.sample(range(len(slots)), min(len(slots), 45)):
            slots[at] = names.method(name)
        slots += [names.method(name) for _ in range(r.randint(35, 60))]
        classes.append(Class(name, parent, slots))
        kernel.klass(name, slots)
    for i in range(len(kernel.pending) // 20):
        kernel.function("_" + names.pick(2, 4), private=True)
    return kernel, functions, meta, classes


def own_class(kext, names, parent, meta, prefix):
    """A subclass: most slots inherited, one in 40 by the name of an old pad."""
    r = names.random
    name = names.cls(prefix)
    slots = list(parent.slots)
    for at in range(len(slots)):
        if r.random() < 0.10:
            slots[at] = names.method(name)
            kext.function(slots[at])
    clean = list(slots)
    slots += [names.method(name) for _ in range(r.randint(0, 20))]
    for s in slots[len(clean):]:
        kext.function(s)
    result = Class(name, parent, list(slots))
    for at in range(len(clean)):
        if slots[at] == parent.slots[at] and r.random() < 1 / 40:
            slots[at] = "__ZN%s%d_RESERVED%s%dEv" % (parent.name, len(parent.name) + 10,
                                                     parent.name[2:], at)
    kext.klass(name, parent.name, slots, meta=meta)
    return result


def make_kext(names, index, scale, functions, meta, parents):
    r = names.random
    kext = Kext(X86_64)
    filler = r.randbytes(4096)
    kext.append(TEXT, filler * (34 * scale))
    made = []
    for i in range(2 * scale):
        made.append(own_class(kext, names, r.choice(parents), meta, "K%d" % index))
    for _ in range(330 * scale):
        kext.append(TEXT, filler[:r.randint(4, 40)])
        kext.call(r.choice(functions))
    for _ in range(130 * scale):
        kext.pointer(r.choice(functions))
    own = list(kext.index)
    for _ in range(300 * scale):
        to = r.choice(own)
        if not kext.is_external(to):
            kext.pointer(to)
    for _ in range(60 * scale):
        kext.function("_hidden%d" % r.randrange(1 << 30), private=True)
    return kext, made


def closure(direct, plan):
    seen = []
    todo = list(direct)
    while todo:
        for d in plan[todo.pop()]:
            if d not in seen and d not in direct:
                seen.append(d)
                todo.append(d)
    return sorted(seen)


def generate(folder):
    os.makedirs(folder, exist_ok=True)
    names = Names(1)
    r = names.random

    def write(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    kernel, functions, meta, classes = make_kernel(names)
    write("kernel", kernel.build())
    exported = [p[0] for p in kernel.pending if p[1] & 1]
    for i in range(KPIS):
        write("kpi%d" % i, interface(X86_64, sorted(exported[i::KPIS])))
    plan, libraries, lines = {}, [], []
    kernel_classes = [c for c in classes if len(c.slots) > 100][:60]
    for i in range(KEXTS):
        level = i * LEVELS // KEXTS
        below = [l for l in libraries if l[1] < level]
        direct = sorted(r.sample(below, min(len(below), r.randint(1, 3))), key=lambda l: l[0])
        parents = kernel_classes + [c for l in direct for c in l[2]
                                    if len(c.slots) < 300 and c.parent in kernel_classes]
        scale = 5 if i % 10 == 9 else 1
        kext, made = make_kext(names, i, scale, functions, meta, parents)
        data = kext.build()
        write("kext%03d" % i, data)
        plan[i] = [l[0] for l in direct]
        is_library = i % 4 == 0
        if is_library:
            libraries.append((i, level, made))
        lines.append("kext%03d %d %s | %s" % (i, is_library, " ".join(map(str, plan[i])),
                                              " ".join(map(str, closure(plan[i], plan)))))
    with open(os.path.join(folder, "plan"), "w") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    generate(sys.argv[1])
