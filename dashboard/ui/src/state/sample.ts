// The conversation that a first visitor may load: four people settle a launch. Posted through the public API.
import { signal } from "@preact/signals";
import { call, sleep } from "../api/client.ts";
import { openConversation } from "./app.ts";
import { open } from "./conversation.ts";
import * as list from "./list.ts";
import { say } from "./toast.ts";

export const SAMPLE_ID = "spring-launch";
export const posting = signal(false);

/** Who, how many minutes after the first message, what. */
const LINES: readonly (readonly [string, number, string])[] = [
  ["Maya", 0, "Morning all. Two weeks to the spring launch, so let's settle the open points today."],
  ["Jonas", 2, "Morning! The billing migration passed its last rehearsal, so I'm much calmer than last week."],
  ["Priya", 3, "Great news. The new onboarding tested well too: eight of nine people finished it without help."],
  ["Maya", 5, "That is wonderful, Priya. Which one got stuck?"],
  ["Priya", 6, "The ninth gave up at the invite step. The button is hidden below the fold on small phones."],
  ["Luis", 8, "I can fix that. I'll move the invite button up by Wednesday."],
  ["Jonas", 11, "One worry: the status page still points to the old servers. If we forget it, we look down on launch day."],
  ["Maya", 12, "Jonas, can you update the status page before Friday?"],
  ["Jonas", 13, "Yes, I'll do it on Thursday right after the backup."],
  ["Luis", 47, "About the date: the app store review took six days last time. Launching on the 14th is very tight."],
  ["Maya", 49, "What would make it safe?"],
  ["Luis", 50, "If we submit tomorrow and launch two days later, we have a buffer even for one rejection."],
  ["Priya", 52, "I'd rather be two days late than launch with a broken sign-up. The last rushed release was awful."],
  ["Maya", 54, "Agreed. We move the launch from the 14th to the 16th. Decided."],
  ["Jonas", 55, "Thank you! That takes a lot of pressure off."],
  ["Priya", 58, "Then the newsletter has to move as well. I'll reschedule it for the 16th."],
  ["Luis", 1441, "I submitted the build to the store this morning. No complaints so far."],
  ["Maya", 1443, "Perfect, thanks Luis. Next: prices. We have argued about the student discount long enough."],
  ["Priya", 1446, "Students are a third of the waiting list. I'd offer 40% for the first year."],
  ["Jonas", 1448, "40% hurts, but the numbers work if they stay for a second year."],
  ["Maya", 1450, "OK, we go with 40% for students in the first year. Priya, please put it on the pricing page by Monday."],
  ["Priya", 1451, "Will do."],
  ["Luis", 1457, "Who answers support on launch night? I can't, I'm travelling until the 17th."],
  ["Jonas", 1459, "Not sure. I did it the last two times and was useless the day after."],
  ["Maya", 1460, "Fair. I don't know yet either. Let's keep that open and ask the support team next week."],
  ["Priya", 1462, "Invite fix looks lovely on my small phone, by the way. Nice work, Luis!"],
];

const PARTS = [9, 16, LINES.length] as const;

/** Times end a few minutes ago, so that the sample looks as if it had just been said. */
function messages(from: number, to: number, now: number): unknown[] {
  const last = LINES.at(-1)?.[1] ?? 0;
  return LINES.slice(from, to).map(([user, minute, content], index) => ({
    user_id: user,
    content,
    timestamp: new Date(now - (last - minute + 4) * 60_000).toISOString(),
    message_id: `sample-${from + index + 1}`,
  }));
}

export async function loadSample(): Promise<void> {
  if (posting.value) return;
  posting.value = true;
  try {
    const now = Date.now();
    let from = 0;
    for (const to of PARTS) {
      await call("/chats", {
        method: "POST",
        body: { conversation_id: SAMPLE_ID, user_id: "Maya", messages: messages(from, to, now) },
      });
      if (from === 0) {
        openConversation(SAMPLE_ID);
        void list.refresh(true);
      }
      from = to;
      // So that it is seen how the numbers move while messages come in.
      await sleep(900);
    }
    const talk = open.value?.id === SAMPLE_ID ? open.value : null;
    await talk?.toLatest();
    await talk?.summarize(true);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), "problem");
  } finally {
    posting.value = false;
  }
}
