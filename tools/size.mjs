// size.mjs BUILD: how large the shared library is when it is stripped, and what is in it, by folder and by the largest files: from the linker's map.
//
//     node tools/size.mjs build/no-llvm [--most BYTES]     --most: exit status 1 when the stripped library is larger

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const args = process.argv.slice(2);
const at = args.indexOf("--most");
const most = at < 0 ? Infinity : Number(args.splice(at, 2)[1]);
if (args.length !== 1 || !(most > 0)) {
    console.error("usage: node tools/size.mjs BUILD [--most BYTES]");
    process.exit(2);
}
const build = args[0];

function strippedSize(library) {
    const folder = mkdtempSync(join(tmpdir(), "size-"));
    execFileSync("strip", ["-o", join(folder, "stripped.so"), library]);
    const { size } = statSync(join(folder, "stripped.so"));
    rmSync(folder, { recursive: true });
    return size;
}

// " .text.f  0x0001  0x20  path/f.c.o", or the name on a line of its own; behind the list of what was discarded.
function* sections(map) {
    const text = map.slice(map.indexOf("\nLinker script and memory map"));
    for (const [, name, size, file] of text.matchAll(/^ (\.[^\s]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+\.o)\)?$/gm))
        if (/^\.(text|rodata|data|bss|eh_frame)/.test(name)) yield { kind: name.split(".")[1], size: parseInt(size, 16), file };
}

function folderOf(file) {
    if (file.includes("canonjit_wamr.dir")) return "WAMR";
    return file.match(/src\/([a-z]+)\//)?.[1] ?? "the compiler's";
}

const add = (to, key, size) => to.set(key, (to.get(key) ?? 0) + size);
const folders = new Map(), files = new Map(), kinds = new Map();
for (const { kind, size, file } of sections(readFileSync(join(build, "canonjit.map.txt"), "utf8"))) {
    add(folders, folderOf(file), size);
    add(files, file.replace(/.*\/((?:[a-z_]+\/)?[\w.]+)\.o$/, "$1"), size);
    add(kinds, kind, size);
}

const table = (title, from, count) => {
    console.log(`\n${title}`);
    for (const [name, size] of [...from].sort((a, b) => b[1] - a[1]).slice(0, count)) console.log(`${String(size).padStart(9)}  ${name}`);
};
const size = strippedSize(join(build, "libcanonjit.so"));
console.log(`${size} bytes: libcanonjit.so, stripped`);
table("by folder", folders);
table("by kind of section", kinds);
table("the largest files", files, 12);
if (size > most) {
    console.error(`size.mjs: larger than ${most} bytes`);
    process.exit(1);
}
