// Which messages the summary's items were taken from.
import type { ActionItem, Finding, Insights, Summary } from "../types.ts";

export interface Item extends ActionItem {
  key: string;
}

export interface Items {
  actions: Item[];
  decisions: Item[];
  questions: Item[];
}

export function itemsOf(insights: Insights | undefined): Items {
  const findings = (list: (Finding | string)[] | undefined, letter: string): Item[] =>
    (list ?? []).map((one, index) => ({ ...(typeof one === "string" ? { text: one } : one), key: `${letter}${index}` }));
  const details = insights?.action_item_details ?? insights?.action_items?.map((text) => ({ text })) ?? [];
  return {
    actions: details.map((item, index) => ({ ...item, key: `a${index}` })),
    decisions: findings(insights?.decisions, "d"),
    questions: findings(insights?.open_questions, "q"),
  };
}

export function citations(summary: Summary | null): Map<number, { key: string; label: string }> {
  const found = new Map<number, { key: string; label: string }>();
  const { actions, decisions, questions } = itemsOf(summary?.insights);
  for (const [label, items] of [
    ["Open question", questions],
    ["To do", actions],
    ["Decision", decisions],
  ] as const) {
    for (const item of items) for (const seq of item.evidence ?? []) found.set(seq, { key: item.key, label });
  }
  return found;
}
