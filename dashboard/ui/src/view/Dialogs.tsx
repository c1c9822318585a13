// What floats: keys, the API key, ending a conversation, lines for the terminal. Native dialogs: focus stays inside.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { refused } from "../api/client.ts";
import { key, looksLikeKey, maskedKey } from "../api/key.ts";
import { dialog, useKey } from "../state/app.ts";
import { open } from "../state/conversation.ts";
import { KEYS } from "../state/keys.ts";
import { linesFor } from "./curl.ts";
import { CopyLine, IconButton, Name } from "./small.tsx";

export function Dialogs(): JSX.Element | null {
  if (dialog.value === "help") return <Help />;
  if (dialog.value === "key") return <KeyDialog />;
  if (dialog.value === "end") return <End />;
  if (dialog.value === "curl") return <Terminal />;
  return null;
}

function Float({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  const self = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = self.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={self}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        dialog.value = null;
      }}
      onClick={(event) => event.target === self.current && (dialog.value = null)}
    >
      <div class="dialog-body">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <IconButton icon="close" label="Close" onClick={() => (dialog.value = null)} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

function Help(): JSX.Element {
  return (
    <Float title="Keys">
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(" / ").map((one, index) => (
                <>
                  {index > 0 && " "}
                  <kbd>{one}</kbd>
                </>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="small dim">
        The API is described at <a href="/docs">/docs</a>. A link to what is open can be copied from the address bar.
      </p>
    </Float>
  );
}

function KeyDialog(): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    const value = text.trim();
    if (looksLikeKey(value)) useKey(value);
    else setWrong(true);
  };
  return (
    <Float title="API key">
      <form onSubmit={submit} class="key-form">
        {refused.value && (
          <p class="warn" role="alert">
            {refused.value}
          </p>
        )}
        {key.value ? (
          <p>
            This browser uses <code>{maskedKey.value}</code>.
          </p>
        ) : (
          <p>Without a key you see what anyone may see, with 10 requests a minute.</p>
        )}
        <label>
          {key.value ? "Use another key" : "Key"}
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            placeholder="rk_…"
            dir="ltr"
            value={text}
            aria-invalid={wrong}
            aria-describedby="key-note"
            onInput={(event) => {
              setText(event.currentTarget.value);
              setWrong(false);
            }}
          />
        </label>
        <p class="small dim" id="key-note">
          {wrong ? "A key has 8 to 200 characters without spaces, as printed by recap keys create." : "Kept in this browser only, sent to this server only. Made by recap keys create."}
        </p>
        <div class="dialog-actions">
          {key.value && (
            <button type="button" onClick={() => useKey(null)}>
              Forget the key
            </button>
          )}
          <button type="submit" class="primary">
            Use it
          </button>
        </div>
      </form>
    </Float>
  );
}

function End(): JSX.Element | null {
  const talk = open.value;
  if (!talk) return null;
  return (
    <Float title="End this conversation?">
      <p>
        A last summary of <Name text={talk.id} /> is made, everyone listening gets it, and their connections close. A
        later message opens it again; nothing is deleted.
      </p>
      <div class="dialog-actions">
        <button type="button" onClick={() => (dialog.value = null)}>
          Keep it open
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            dialog.value = null;
            void talk.end();
          }}
        >
          End it
        </button>
      </div>
    </Float>
  );
}

function Terminal(): JSX.Element | null {
  const talk = open.value;
  if (!talk) return null;
  return (
    <Float title="From a terminal">
      <p>
        These lines work against this server{key.value ? " with your key; copying takes the whole key" : ""}.
      </p>
      {linesFor(talk.id).map((line) => (
        <section key={line.what} class="terminal-line">
          <h3>{line.what}</h3>
          <CopyLine text={line.text} shown={line.shown} />
        </section>
      ))}
    </Float>
  );
}
