// Names that lead out of the folder, clash, deceive or cannot be written: each must be refused for its own reason.
import { describe, it } from "vitest";
import { craftZip } from "../../support/zips.js";
import { badEntry, expectRefused, SCRIPT, type Hostile } from "./expect-refused.js";

const deep = (levels: number): string => `${"d/".repeat(levels - 1)}f`;

describe("names", () => {
  it.each<Hostile>([
    badEntry("climbs out", "unsafe_path", { name: "../evil" }),
    badEntry("climbs out after going in", "unsafe_path", { name: "a/../../evil" }),
    badEntry("ends by climbing", "unsafe_path", { name: "a/.." }),
    badEntry("names a sibling of the folder", "unsafe_path", { name: "../files2/x" }),
    badEntry("is absolute", "unsafe_path", { name: "/etc/cron.d/x" }),
    badEntry("has a drive", "unsafe_path", { name: "C:/x" }),
    badEntry("has a drive without a slash", "unsafe_path", { name: "c:x" }),
    badEntry("climbs with backslashes", "unsafe_path", { name: "..\\evil" }),
    badEntry("has a backslash", "unsafe_path", { name: "data\\x.txt" }),
    badEntry("has an empty part", "unsafe_path", { name: "a//b" }),
    badEntry("has a dot part", "unsafe_path", { name: "./a" }),
    badEntry("is empty", "unsafe_path", { name: "" }),
    badEntry("has a NUL", "control_characters", { name: "a\0b" }, "a\\u0000b"),
    badEntry("has a line break", "control_characters", { name: "a\nb" }, "a\\u000ab"),
    badEntry("has an escape", "control_characters", { name: "a\x1b[2Jb" }, "a\\u001b[2Jb"),
    badEntry("has a C1 control", "control_characters", { name: "a\u009bb" }, "a\\u009bb"),
    badEntry("is written from right to left", "control_characters", { name: "a\u202Ehs.txt" }, "a\\u202ehs.txt"),
    badEntry("has a line separator", "control_characters", { name: "a\u2028b" }, "a\\u2028b"),
    badEntry("is not UTF-8", "name_not_utf8", { name: Buffer.from("caf\xe9", "latin1"), flags: 0 }, "caf\uFFFD"),
    badEntry("has a replacement character", "name_not_utf8", { name: "caf\uFFFD" }),
    badEntry("has a part of 256 bytes", "name_too_long", { name: "é".repeat(128) }),
    badEntry(
      "has over 1024 bytes",
      "name_too_long",
      { name: "abcdefg/".repeat(128) + "y" },
      `${"abcdefg/".repeat(25)}…`,
    ),
    badEntry("is 33 levels deep", "too_deep", { name: deep(33) }),
    badEntry("is 2000 levels deep", "name_too_long", { name: deep(2000) }, `${"d/".repeat(100)}…`),
    badEntry("is there twice", "duplicate_entry", { name: "script.sh", content: "other" }),
    badEntry("differs only in case", "duplicate_entry", { name: "SCRIPT.sh" }),
    {
      ...badEntry("differs only in how é is written", "duplicate_entry", SCRIPT),
      zip: craftZip([SCRIPT, { name: "caf\u00e9" }, { name: "cafe\u0301" }]),
      entry: "cafe\u0301",
    },
    {
      ...badEntry("is a file and a folder", "duplicate_entry", SCRIPT),
      zip: craftZip([SCRIPT, { name: "a" }, { name: "a/b" }]),
      entry: "a/b",
    },
    {
      ...badEntry("is a folder first, then a file", "duplicate_entry", SCRIPT),
      zip: craftZip([SCRIPT, { name: "a/b" }, { name: "A" }]),
      entry: "a/b",
    },
    {
      ...badEntry("is a folder entry and a file", "duplicate_entry", SCRIPT),
      zip: craftZip([SCRIPT, { name: "a" }, { name: "a/" }]),
      entry: "a/",
    },
  ])("$title", expectRefused);
});
