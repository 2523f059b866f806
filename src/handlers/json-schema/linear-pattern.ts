// JavaScript's regular expressions, matched in linear time whatever pattern and text are: by RE2, in whose words they are put.
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { RecentCache } from "../../models/recent-cache.js";

/** Tells whether a text has what the pattern describes. */
export interface Pattern {
  source: string;
  test(text: string): boolean;
}

/** An escape, or a bracket that begins or ends a class of characters. */
const TOKENS = /\\(?:[pP]\{(?:[^}=]+=)?([^}]+)\}|[^])|[[\]]/g;

/** White space is more for JavaScript than for RE2, which knows that of ASCII alone. */
const SPACES = "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
const NO_SPACES =
  "\\x00-\\x08\\x0e-\\x1f!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}" +
  "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";

/** Categories of characters that JavaScript knows by longer names too; RE2 by these alone. */
const CATEGORIES: Record<string, string> = {
  ...{ Letter: "L", Uppercase_Letter: "Lu", Lowercase_Letter: "Ll", Titlecase_Letter: "Lt", Cased_Letter: "LC" },
  ...{ Modifier_Letter: "Lm", Other_Letter: "Lo", Mark: "M", Nonspacing_Mark: "Mn", Spacing_Mark: "Mc" },
  ...{ Enclosing_Mark: "Me", Number: "N", Decimal_Number: "Nd", digit: "Nd", Letter_Number: "Nl", Other_Number: "No" },
  ...{ Punctuation: "P", punct: "P", Connector_Punctuation: "Pc", Dash_Punctuation: "Pd", Open_Punctuation: "Ps" },
  ...{ Close_Punctuation: "Pe", Initial_Punctuation: "Pi", Final_Punctuation: "Pf", Other_Punctuation: "Po" },
  ...{ Symbol: "S", Math_Symbol: "Sm", Currency_Symbol: "Sc", Modifier_Symbol: "Sk", Other_Symbol: "So" },
  ...{ Separator: "Z", Space_Separator: "Zs", Line_Separator: "Zl", Paragraph_Separator: "Zp" },
  ...{ Other: "C", Control: "Cc", cntrl: "Cc", Format: "Cf", Surrogate: "Cs", Private_Use: "Co" },
};

/** A pattern is compiled to see whether that can be done, and soon after to be used. */
const recent = new RecentCache<string, Pattern>(500);

/** The pattern, ready to be matched. @throws an error for which {@link explainPattern} has words, if it cannot be */
export function compilePattern(source: string): Pattern {
  return recent.getOrMake(source, () => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(inWordsOfRe2(source)));
    return { source, test: (text) => compiled.test(text) };
  });
}

/** Why a pattern cannot be taken; null if it can. */
export function explainPattern(source: string): string | null {
  try {
    // With this flag the drafts mean it. Many are written without thought of it, and are as clear.
    if (!isRegExp(source, "u")) new RegExp(source);
    compilePattern(source);
    return null;
  } catch (error) {
    // Its message begins with the whole pattern.
    if (error instanceof SyntaxError)
      return `is no regular expression of JavaScript: ${error.message.split(": ").at(-1) ?? ""}`;
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return "cannot be matched in linear time: do without look-around, back references and more than 1000 repetitions";
  }
}

function isRegExp(source: string, flags: string): boolean {
  try {
    new RegExp(source, flags);
    return true;
  } catch {
    return false;
  }
}

function inWordsOfRe2(source: string): string {
  let inClass = false;
  return source.replace(TOKENS, (token, category?: string) => {
    if (token === "[" || token === "]") {
      inClass = token === "[";
      return token;
    }
    if (category !== undefined) return `${token.slice(0, 2)}{${CATEGORIES[category] ?? category}}`;
    if (token !== "\\s" && token !== "\\S") return token;
    const spaces = token === "\\s" ? SPACES : NO_SPACES;
    return inClass ? spaces : `[${spaces}]`;
  });
}
