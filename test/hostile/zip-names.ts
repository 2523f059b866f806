// Names that lead out of the folder, clash, deceive or cannot be written.
import { craftZip, type CraftedEntry } from "../support/zips.js";
import { SCRIPT, type HostileZip } from "./hostile-input.js";

/** A bad name beside a good script. @param shown the name as it may be shown to people */
function name(title: string, code: string, bad: string | Buffer, shown = String(bad)): HostileZip {
  const zip = () => craftZip([SCRIPT, { name: bad, content: "x", ...(Buffer.isBuffer(bad) ? { flags: 0 } : {}) }]);
  return { title: `a name ${title}`, status: 422, code, place: shown, zip };
}

/** Entries of which the named one clashes with one before. */
function clash(title: string, place: string, ...names: string[]): HostileZip {
  const zip = () => craftZip([SCRIPT, ...names.map((each): CraftedEntry => ({ name: each }))]);
  return { title: `names: ${title}`, status: 422, code: "duplicate_entry", place, zip };
}

const deep = (levels: number): string => `${"d/".repeat(levels - 1)}f`;

const UNSAFE: HostileZip[] = [
  ["that climbs out", "../evil"],
  ["that climbs far out", "../../../../../../etc/evil"],
  ["that climbs out after going in", "a/../../evil"],
  ["that climbs back to where it was", "a/../evil"],
  ["that ends by climbing", "a/.."],
  ["that is nothing but climbing", ".."],
  ["of a folder that climbs out", "../evil/"],
  ["of a sibling of the folder", "../files2/x"],
  ["with a dot part in front", "./a"],
  ["with a dot part inside", "a/./b"],
  ["that is a dot", "."],
  ["with an empty part", "a//b"],
  ["of a folder with an empty part", "a//"],
  ["that is empty", ""],
  ["that is absolute", "/etc/cron.d/evil"],
  ["that is the root", "/"],
  ["that is absolute twice over", "//server/share"],
  ["that is absolute and climbs", "/../evil"],
  ["with a drive", "C:/evil"],
  ["with a drive and no slash", "c:evil"],
  ["with a drive and backslashes", "C:\\evil"],
  ["that climbs with backslashes", "..\\evil"],
  ["that climbs with both kinds of slashes", "a\\..\\../evil"],
  ["with a backslash inside", "data\\x.txt"],
  ["of a share on a server", "\\\\server\\share\\x"],
].map(([title = "", bad = ""]) => name(title, "unsafe_path", bad));

const TREACHEROUS: HostileZip[] = [
  ["with a NUL", "a\0b", "a\\u0000b"],
  ["with a NUL that hides its end", "script.sh\0.txt", "script.sh\\u0000.txt"],
  ["with a line break", "a\nb", "a\\u000ab"],
  ["with a carriage return", "a\rb", "a\\u000db"],
  ["with a tab", "a\tb", "a\\u0009b"],
  ["with a terminal's command", "a\x1b[2Jb", "a\\u001b[2Jb"],
  ["with a delete", "a\x7fb", "a\\u007fb"],
  ["with a C1 control", "a\u009bb", "a\\u009bb"],
  ["that is written from right to left", "a\u202Ehs.txt", "a\\u202ehs.txt"],
  ["with an isolate", "a\u2066b", "a\\u2066b"],
  ["with a direction mark", "a\u200Fb", "a\\u200fb"],
  ["with an Arabic letter mark", "a\u061Cb", "a\\u061cb"],
  ["with a line separator", "a\u2028b", "a\\u2028b"],
  ["with a byte order mark", "\uFEFFa", "\\ufeffa"],
].map(([title = "", bad = "", shown = ""]) => name(title, "control_characters", bad, shown));

const NOT_UTF8: HostileZip[] = [
  name("in Latin-1", "name_not_utf8", Buffer.from("caf\xe9", "latin1"), "caf\uFFFD"),
  name("with overlong dots", "name_not_utf8", Buffer.from("c0aec0ae2f78", "hex"), "\uFFFD\uFFFD\uFFFD\uFFFD/x"),
  name("with an overlong slash", "name_not_utf8", Buffer.from("61c0af62", "hex"), "a\uFFFD\uFFFDb"),
  name("with half a character", "name_not_utf8", Buffer.from("61eda080", "hex"), "a\uFFFD\uFFFD\uFFFD"),
  name("cut off inside a character", "name_not_utf8", Buffer.from("61e282", "hex"), "a\uFFFD"),
  name("with a replacement character", "name_not_utf8", "caf\uFFFD"),
];

const LONG: HostileZip[] = [
  name("of 256 bytes", "name_too_long", "n".repeat(256), `${"n".repeat(200)}…`),
  name("of 256 bytes, 128 letters", "name_too_long", "é".repeat(128)),
  name("with a folder of 256 bytes", "name_too_long", `${"n".repeat(256)}/x`, `${"n".repeat(200)}…`),
  name("of 1025 bytes", "name_too_long", "abcdefg/".repeat(128) + "y", `${"abcdefg/".repeat(25)}…`),
  name("of 65,535 bytes", "name_too_long", "n".repeat(65_535), `${"n".repeat(200)}…`),
  name("33 levels deep", "too_deep", deep(33)),
  name("of a folder 33 levels deep", "too_deep", "d/".repeat(33)),
  name("2000 levels deep", "name_too_long", deep(2000), `${"d/".repeat(100)}…`),
];

const CLASHES: HostileZip[] = [
  clash("two scripts", "script.sh", "script.sh"),
  clash("a script and one in capitals", "SCRIPT.SH", "SCRIPT.SH"),
  clash("one file twice", "a/b", "a/b", "a/b"),
  clash("one folder twice", "a/", "a/", "a/"),
  clash("they differ only in case", "Data/X", "data/x", "Data/X"),
  clash("they differ only in how é is written", "cafe\u0301", "caf\u00e9", "cafe\u0301"),
  clash("they differ only in ß and SS", "STRASSE", "straße", "STRASSE"),
  clash("they differ only in a ligature", "fin", "\ufb01n", "fin"),
  clash("they differ only in the dot of an i", "i", "\u0131", "i"),
  clash("they differ only in a Kelvin sign", "k", "\u212a", "k"),
  clash("a file that is a folder too", "a/b", "a", "a/b"),
  clash("a folder that is a file too", "a/b", "a/b", "a"),
  clash("a file that is a folder in other letters", "a/b", "A", "a/b"),
  clash("a file that is a folder far below", "a/b/c/d", "a/b", "a/b/c/d"),
  clash("a folder entry and a file", "a/", "a", "a/"),
  clash("a file below the script", "script.sh/x", "script.sh/x"),
];

export const ZIP_NAMES: HostileZip[] = [...UNSAFE, ...TREACHEROUS, ...NOT_UTF8, ...LONG, ...CLASHES];
