// Who wrote how much: one bar, then the names.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { openUser } from "../state/app.ts";
import { plainName } from "../text.ts";
import { count, plural } from "../time.ts";
import type { Participant } from "../types.ts";
import { hueOf } from "./small.tsx";

const SHOWN = 6;

interface Props {
  people: Participant[];
  /** How many took part; more than are listed where they are many. */
  total: number;
  messages: number;
}

export function People({ people, total, messages }: Props): JSX.Element | null {
  const [all, setAll] = useState(false);
  const listed = people.toSorted((a, b) => b.message_count - a.message_count);
  if (listed.length === 0) return null;
  const known = listed.reduce((sum, one) => sum + one.message_count, 0);
  const whole = Math.max(known, messages);
  const shown = all ? listed : listed.slice(0, SHOWN);
  const share = (one: Participant): string => `${Math.round((100 * one.message_count) / Math.max(1, whole))}%`;
  return (
    <section aria-labelledby="h-people">
      <h3 id="h-people">
        People <span class="tally">{count(Math.max(total, listed.length))}</span>
      </h3>
      {known > 0 && (
        <div class="shares" aria-hidden="true">
          {listed.slice(0, 24).map((one) => (
            <i
              key={one.user_id}
              style={{ "--hue": String(hueOf(one.user_id)), flexGrow: String(one.message_count) }}
              title={`${plainName(one.user_id)} ${share(one)}`}
            />
          ))}
        </div>
      )}
      <ul class="people">
        {shown.map((one) => (
          <li key={one.user_id}>
            <i class="swatch" aria-hidden="true" style={{ "--hue": String(hueOf(one.user_id)) }} />
            <button type="button" class="person" onClick={() => openUser(one.user_id)}>
              <bdi>{plainName(one.user_id)}</bdi>
            </button>
            {known > 0 && (
              <span class="small dim" title={plural(one.message_count, "message")}>
                {count(one.message_count)} · {share(one)}
              </span>
            )}
          </li>
        ))}
      </ul>
      {listed.length > SHOWN && (
        <button type="button" class="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `${plural(listed.length - SHOWN, "other")}`}
        </button>
      )}
      {total > listed.length && (all || listed.length <= SHOWN) && (
        <p class="small dim">and {plural(total - listed.length, "person", "people")} more</p>
      )}
    </section>
  );
}
