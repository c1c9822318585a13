// One calm line when the server is out of reach, holds us back, or refuses the key.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { limitedUntil, offlineUntil, refused, tryNow } from "../api/client.ts";
import { key } from "../api/key.ts";
import { dialog } from "../state/app.ts";
import { open } from "../state/conversation.ts";
import { toast } from "../state/toast.ts";
import { plural } from "../time.ts";

function useSecondsUntil(moment: number | null): number {
  const [, tick] = useState(0);
  useEffect(() => {
    if (moment === null) return;
    const timer = setInterval(() => tick((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [moment]);
  return moment === null ? 0 : Math.max(0, Math.ceil((moment - Date.now()) / 1000));
}

export function Banner(): JSX.Element | null {
  const offline = useSecondsUntil(offlineUntil.value);
  const limited = useSecondsUntil(limitedUntil.value);
  if (offlineUntil.value !== null) {
    return (
      <div class="banner" role="status">
        <span>
          <strong>Recap is out of reach.</strong> What you see stays; trying again{" "}
          <span aria-hidden="true">{offline > 0 ? `in ${offline} s` : "now"}</span>.
        </span>
        <button type="button" onClick={again}>
          Try now
        </button>
      </div>
    );
  }
  if (limitedUntil.value !== null) {
    return (
      <div class="banner" role="status">
        <span>
          <strong>A short pause.</strong>{" "}
          {key.value ? "This key's requests for the minute are used up" : "Without a key, 10 requests a minute are free"};
          going on <span aria-hidden="true">{limited > 0 ? `in ${plural(limited, "second")}` : "now"}</span>.
        </span>
        {!key.value && (
          <button type="button" onClick={() => (dialog.value = "key")}>
            Enter a key
          </button>
        )}
      </div>
    );
  }
  if (refused.value !== null && dialog.value !== "key") {
    return (
      <div class="banner" role="alert">
        <span>
          <strong>{key.value ? "The key was refused." : "A key is needed here."}</strong> {refused.value}
        </span>
        <button type="button" onClick={() => (dialog.value = "key")}>
          {key.value ? "Change it" : "Enter a key"}
        </button>
      </div>
    );
  }
  return null;
}

function again(): void {
  tryNow();
  open.value?.reconnect();
}

export function Toasts(): JSX.Element {
  const now = toast.value;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {now && (
        <div key={now.nonce} class={`toast ${now.kind}`}>
          {now.text}
        </div>
      )}
    </div>
  );
}
