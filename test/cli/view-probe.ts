/** What a person sees on the page of `maskgate view`, read in the browser at one moment. */
import type { Browser } from "./browser.ts";

/** The page at one moment. */
export interface Seen {
  /** What the access machine says, and the line below it. */
  readonly says: string;
  readonly hint: string;
  readonly kind: string;
  /** The rows below "Faces". */
  readonly faces: readonly string[];
  readonly lines: string;
  readonly sizes: readonly string[];
  /** The table "Camera and model". */
  readonly numbers: Readonly<Record<string, string>>;
  readonly canvas: { readonly widthPx: number; readonly heightPx: number; readonly label: string };
  /** The canvas at 16 x 12 pixels, red, green and blue in turn. */
  readonly thumbnail: readonly number[];
  /** How many pixels of the canvas have exactly the colour of a mask's box, a bare face's, and a too small one's. */
  readonly boxPx: { readonly masked: number; readonly bare: number; readonly small: number };
}

const reader = `
  const text = (id) => document.getElementById(id).textContent;
  const told = () => ({
    says: text("says"),
    hint: text("hint"),
    kind: document.getElementById("says").dataset.kind,
    faces: [...document.querySelectorAll("#faces li")].map((item) => item.textContent),
    lines: text("lines"),
    sizes: [text("open-px"), text("search-px")],
    numbers: Object.fromEntries(
      [...document.querySelectorAll("#now dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]),
    ),
  });
  const copied = (canvas, width, height) => {
    const copy = Object.assign(document.createElement("canvas"), { width, height });
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(canvas, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  };
  const drawn = () => {
    const canvas = document.getElementById("picture");
    const data = copied(canvas, canvas.width, canvas.height);
    const pixels = new Map();
    for (let at = 0; at < data.length; at += 4) {
      const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
      pixels.set(colour, (pixels.get(colour) ?? 0) + 1);
    }
    const count = (colour) => pixels.get(colour) ?? 0;
    return {
      canvas: { widthPx: canvas.width, heightPx: canvas.height, label: canvas.getAttribute("aria-label") },
      thumbnail: [...copied(canvas, 16, 12)].filter((_, at) => at % 4 !== 3),
      boxPx: { masked: count(0x19c37d), bare: count(0xff5a50), small: count(0xc8d0d8) },
    };
  };
`;

/** Nothing that is waited for takes longer, even on a busy machine. */
const limitMs = 60_000;

/** The page at the first moment at which the condition, an expression over `page`, holds. */
export function seenWhen(browser: Browser, condition: string): Promise<Seen> {
  return browser.evaluate(`new Promise((resolve, reject) => {
    ${reader}
    const endMs = performance.now() + ${limitMs};
    const look = () => {
      const page = told();
      if (${condition}) resolve({ ...page, ...drawn() });
      else if (performance.now() > endMs) reject(new Error("in vain: " + JSON.stringify(page)));
      else setTimeout(look, 20);
    };
    look();
  })`);
}

/** Moves a slider as a hand does. */
export async function slide(browser: Browser, id: "open" | "search", px: number): Promise<void> {
  await browser.evaluate(`(() => {
    const slider = document.getElementById("${id}");
    slider.value = "${px}";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  })()`);
}
