// Characters that hide or reorder others are shown as what they are, so that no text can pose as another.

/** Marks that a name has no honest use for: controls, direction marks, embeddings, overrides, isolates. */
const IN_NAMES = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
/** In running text the marks of right-to-left languages stay; overrides and controls are shown. */
const IN_TEXT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202d\u202e]/g;

function code(unit: string): string {
  const value = unit.charCodeAt(0);
  if (value < 0x20) return String.fromCharCode(0x2400 + value);
  return `\u2039U+${value.toString(16).toUpperCase().padStart(4, "0")}\u203a`;
}

export const plainName = (text: string): string => text.replace(IN_NAMES, code);
export const plainText = (text: string): string => text.replace(IN_TEXT, code);
