/** Text of strangers, such as the name of a file on a stick, before a person or a terminal sees it. */

/** In one line. What a terminal obeys, and what turns round or hides the letters beside it, becomes a question mark. */
export function plainText(text: string): string {
  return text.replace(/[\t\n\r]+/g, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "?");
}
