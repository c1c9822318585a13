// What changed between two texts, by words; and which sentences of a text are new.

export interface Piece {
  kind: "same" | "added" | "removed";
  text: string;
}

const words = new Intl.Segmenter(undefined, { granularity: "word" });
const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });

export function splitSentences(text: string): string[] {
  return [...sentences.segment(text)].map((part) => part.segment);
}

/** Longest common subsequence over words; texts of up to 2,000 words each, which summaries never reach. */
export function diff(before: string, after: string): Piece[] {
  const a = [...words.segment(before)].map((part) => part.segment).slice(0, 4000);
  const b = [...words.segment(after)].map((part) => part.segment).slice(0, 4000);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const left = a.slice(head, a.length - tail);
  const right = b.slice(head, b.length - tail);
  const pieces: Piece[] = [];
  push(pieces, "same", a.slice(0, head).join(""));
  middle(left, right, pieces);
  push(pieces, "same", tail > 0 ? a.slice(-tail).join("") : "");
  return pieces;
}

function middle(a: string[], b: string[], pieces: Piece[]): void {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push(pieces, "same", a[i] ?? "");
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      push(pieces, "removed", a[i] ?? "");
      i += 1;
    } else {
      push(pieces, "added", b[j] ?? "");
      j += 1;
    }
  }
}

function push(pieces: Piece[], kind: Piece["kind"], text: string): void {
  if (!text) return;
  const last = pieces.at(-1);
  if (last?.kind === kind) last.text += text;
  else pieces.push({ kind, text });
}

/** What of a list is new and what has gone, by text. */
export function diffItems(before: string[], after: string[]): { added: string[]; removed: string[] } {
  const had = new Set(before);
  const has = new Set(after);
  return { added: after.filter((text) => !had.has(text)), removed: before.filter((text) => !has.has(text)) };
}
