// The API to read and try: shows /openapi.json and /asyncapi.json, and sends what the reader asks for.
// Nothing of the documents is taken as HTML: all text goes into text nodes.

const KEY_SLOT = "recap.key";
const THEME_SLOT = "recap.theme";
const METHODS = ["get", "post", "delete", "patch", "put"];

/** An element with attributes and children; strings become text nodes. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** `code`, **strong** and [links](/path) of one paragraph. */
function inline(text) {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(\/[^)]*\))/);
  return parts.map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return el("strong", {}, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\((\/[^)]*)\)$/.exec(part);
    return link ? el("a", { href: link[2] }, link[1]) : part;
  });
}

/** Paragraphs and lists. */
function prose(text = "") {
  const blocks = text.trim().split(/\n\n+/).filter(Boolean);
  return blocks.map((block) => {
    const lines = block.split("\n");
    if (!lines.every((line) => line.startsWith("- "))) return el("p", {}, inline(block.replace(/\n/g, " ")));
    return el("ul", {}, lines.map((line) => el("li", {}, inline(line.slice(2)))));
  });
}

/** What a `$ref` of a document means, followed to its end. */
function resolve(root, value) {
  let found = value;
  while (found && found.$ref) {
    const path = found.$ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    found = path.reduce((place, part) => place?.[part], root);
  }
  return found ?? {};
}

const stored = (slot) => {
  try {
    return localStorage.getItem(slot);
  } catch {
    return null;
  }
};
function keep(slot, value) {
  try {
    if (value) localStorage.setItem(slot, value);
    else localStorage.removeItem(slot);
  } catch {
    // Private windows may refuse storage: the value then lives as long as the page.
  }
}

const keyField = document.getElementById("key");
const key = () => keyField.value.trim();

function startHeader() {
  keyField.value = stored(KEY_SLOT) ?? "";
  keyField.addEventListener("change", () => keep(KEY_SLOT, key()));
  // The dashboard keeps it as JSON.
  const theme = stored(THEME_SLOT)?.replaceAll('"', "");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    keep(THEME_SLOT, JSON.stringify(next));
  });
}

/** A few words for a schema's type. */
function typeOf(root, schema) {
  const name = schema.$ref ? schema.$ref.split("/").pop() : null;
  const own = resolve(root, schema);
  if (own.const !== undefined) return JSON.stringify(own.const);
  if (own.anyOf?.some((one) => one.type === "null")) {
    return `${typeOf(root, own.anyOf.find((one) => one.type !== "null"))} or null`;
  }
  if (own.enum) return own.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (own.type === "array") return `list of ${typeOf(root, own.items ?? {})}`;
  if (own.allOf) return typeOf(root, own.allOf[0]);
  return [own.type].flat().filter(Boolean).join(" or ") || name || "any";
}

function limits(schema) {
  const told = [];
  const say = (name, words) => schema[name] !== undefined && told.push(`${words} ${schema[name]}`);
  say("minimum", "from");
  say("maximum", "to");
  say("maxLength", "at most characters:");
  say("minItems", "at least items:");
  say("maxItems", "at most items:");
  if (schema.default !== undefined) told.push(`default ${JSON.stringify(schema.default)}`);
  return told.join(", ");
}

/** The object behind a schema, through `null`, lists and narrowing. */
function objectOf(root, schema) {
  const own = resolve(root, schema);
  if (own.properties) return own;
  if (own.items) return objectOf(root, own.items);
  if (own.allOf) return objectOf(root, own.allOf[0]);
  const kind = own.anyOf?.find((one) => one.type !== "null");
  return kind ? objectOf(root, kind) : null;
}

/** The fields of a schema, deeper ones folded. */
function schemaView(root, schema, depth = 0) {
  const object = objectOf(root, schema);
  if (!object || depth > 6) return el("div", { class: "schema" }, el("span", { class: "type" }, typeOf(root, schema)));
  const must = object.required ?? [];
  const names = [...must, ...Object.keys(object.properties).filter((name) => !must.includes(name))];
  const rows = names.map((name) => {
    const field = object.properties[name];
    const own = resolve(root, field);
    const told = own.description ?? resolve(root, own.anyOf?.[0] ?? {}).description ?? "";
    const line = [
      el("code", {}, name),
      " ",
      el("span", { class: "type" }, [typeOf(root, field), limits(own)].filter(Boolean).join(", ")),
      must.includes(name) ? null : el("span", { class: "dim" }, " · may be left out"),
      told ? el("div", { class: "dim" }, prose(told)) : null,
    ];
    const deeper = objectOf(root, field);
    if (!deeper || Object.keys(deeper.properties).length === 0) return el("li", {}, line);
    const inner = el("details", {}, el("summary", {}, line.slice(0, 4)), line[4]);
    inner.addEventListener("toggle", () => {
      if (inner.open && !inner.querySelector(".schema")) inner.append(schemaView(root, field, depth + 1));
    });
    return el("li", {}, inner);
  });
  return el("div", { class: "schema" }, rows.length ? el("ul", {}, rows) : el("span", { class: "type" }, "no fields"));
}

/** An input for a parameter. */
function control(root, parameter, id) {
  const schema = resolve(root, parameter.schema.allOf?.[0] ?? parameter.schema);
  const words = schema.enum ?? [];
  const standing = parameter.schema.default ?? schema.default;
  if (words.length) {
    const first = el("option", { value: "" }, standing === undefined ? "" : `(${standing})`);
    return el("select", { id }, first, words.map((word) => el("option", { value: word }, String(word))));
  }
  return el("input", { id, autocomplete: "off", spellcheck: "false", placeholder: standing ?? "" });
}

function requestHeaders(given) {
  const headers = { ...given };
  if (key()) headers.authorization = `Bearer ${key()}`;
  return headers;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl(method, url, headers, body) {
  const masked = Object.entries(headers).map(([name, value]) =>
    ` \\\n  -H ${name === "authorization" ? '"authorization: Bearer $RECAP_KEY"' : quoted(`${name}: ${value}`)}`);
  const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
  return `curl -sS${verb} ${quoted(location.origin + url)}${masked.join("")}${body ? ` \\\n  -d ${quoted(body)}` : ""}`;
}

/** Text in its own lines, which can be scrolled with the keyboard too. */
const block = (text) => el("pre", { tabindex: "0" }, text);

function pretty(text, type) {
  if (!type.includes("json")) return text.length > 20000 ? `${text.slice(0, 20000)}\n…` : text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The part of an operation that sends it. */
function trial(root, path, method, parameters, body) {
  const id = (name) => `${method}${path}-${name}`;
  const inputs = parameters.map((parameter) => ({ parameter, input: control(root, parameter, id(parameter.name)) }));
  const example = body?.content["application/json"].example;
  const text = body ? el("textarea", { "aria-label": "Body", spellcheck: "false" }) : null;
  if (text) text.value = JSON.stringify(example, null, 2);
  const out = el("div", { class: "inside", "aria-live": "polite", hidden: true });

  const send = async () => {
    let url = path;
    const query = new URLSearchParams();
    const given = {};
    for (const { parameter, input } of inputs) {
      const value = input.value;
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (value !== "" && parameter.in === "query") query.set(parameter.name, value);
      else if (value !== "" && parameter.in === "header") given[parameter.name.toLowerCase()] = value;
    }
    if (query.size) url += `?${query}`;
    const payload = text?.value.trim() ? text.value : undefined;
    if (payload) given["content-type"] = "application/json";
    const headers = requestHeaders(given);
    const command = block(curl(method, url, headers, payload));
    out.hidden = false;
    out.replaceChildren(command, el("p", { class: "dim" }, "Sending…"));
    try {
      const began = performance.now();
      const answer = await fetch(url, { method: method.toUpperCase(), headers, body: payload, cache: "no-store" });
      const content = await answer.text();
      const took = Math.round(performance.now() - began);
      const good = answer.ok ? "good" : "bad";
      const told = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      out.replaceChildren(
        command,
        el("p", {}, el("span", { class: `status ${good}` }, `${answer.status} ${answer.statusText}`), el("span", { class: "dim" }, ` in ${took} ms`)),
        content ? block(pretty(content, answer.headers.get("content-type") ?? "")) : el("p", { class: "dim" }, "No body."),
        el("details", {}, el("summary", {}, "Headers"), block(told)),
      );
    } catch (error) {
      out.replaceChildren(command, el("p", { class: "status bad" }, `No answer: ${error.message}`));
    }
  };

  const rows = inputs.flatMap(({ parameter, input }) => [
    el("label", { for: input.id }, el("code", {}, parameter.name), parameter.required ? el("span", { class: "must" }, " *") : null),
    el("div", {}, input, el("div", { class: "small dim" }, inline(
      [parameter.description ?? parameter.schema.description ?? "", limits(parameter.schema)].filter(Boolean).join(" — ")))),
  ]);
  return [
    rows.length ? el("div", { class: "fields" }, rows) : null,
    text ? el("h3", {}, body.required ? "Body" : "Body (may be left out)") : null,
    text,
    body ? el("details", {}, el("summary", {}, "Fields of the body"), schemaView(root, body.content["application/json"].schema)) : null,
    el("div", { class: "row" }, el("button", { class: "primary", type: "button", onclick: send }, "Send")),
    out,
  ];
}

function responsesView(root, responses) {
  return Object.entries(responses).map(([status, reference]) => {
    const response = resolve(root, reference);
    const media = Object.entries(response.content ?? {})[0];
    const narrowed = media?.[1].schema?.allOf?.[1]?.properties?.detail?.properties?.code?.enum;
    const example = media?.[1].example;
    const view = el("details", { class: "reply" },
      el("summary", {}, el("span", { class: `status ${status < 400 ? "good" : "bad"}` }, status), " ",
        narrowed ? narrowed.flatMap((code) => [el("code", {}, code), " "]) : inline(response.description)));
    view.addEventListener("toggle", () => {
      if (view.childElementCount > 1) return;
      view.append(el("div", {},
        narrowed ? response.description.split("\n").map((line) => el("p", { class: "small" }, inline(line))) : null,
        media && objectOf(root, media[1].schema) ? schemaView(root, media[1].schema) : null,
        example ? block(JSON.stringify(example, null, 2)) : null,
        el("p", { class: "small dim" }, "Headers: ", Object.keys(response.headers ?? {}).join(", "))));
    });
    return view;
  });
}

function operationView(root, path, method, item) {
  const operation = item[method];
  const parameters = [...(operation.parameters ?? []), ...(item.parameters ?? [])].map((one) => resolve(root, one));
  // A path's own parameters are asked for first.
  parameters.sort((a, b) => (b.in === "path") - (a.in === "path"));
  const scope = operation.security?.find((one) => one.bearer)?.bearer[0];
  const view = el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, el("span", { class: `method ${method}` }, method.toUpperCase()), el("code", {}, path), el("span", { class: "dim" }, operation.summary)));
  view.addEventListener("toggle", () => {
    if (view.childElementCount > 1) return;
    const socket = Boolean(operation.responses["101"]);
    view.append(el("div", { class: "inside" },
      el("div", { class: "prose" }, prose(operation.description ?? "")),
      el("p", { class: "small dim" }, scope ? ["Scope ", el("code", {}, scope), ". Counted against the limit."] : "No key needed, not counted."),
      socket ? listening(root, parameters) : trial(root, path, method, parameters, operation.requestBody),
      el("h3", {}, "Answers"),
      el("div", {}, responsesView(root, operation.responses))));
  });
  return view;
}

/** Opens the socket and shows its frames. */
function listening(root, parameters) {
  const inputs = parameters.filter((one) => one.in === "query").map((parameter) => ({ parameter, input: control(root, parameter, `ws-${parameter.name}`) }));
  const frames = el("div", { class: "frames", "aria-live": "polite" });
  const button = el("button", { class: "primary", type: "button" }, "Connect");
  let socket = null;
  const show = (text) => {
    frames.prepend(block(text));
    while (frames.childElementCount > 50) frames.lastChild.remove();
  };
  button.addEventListener("click", () => {
    if (socket) {
      socket.close(1000);
      return;
    }
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) if (input.value !== "") query.set(parameter.name, input.value);
    const origin = location.origin.replace(/^http/, "ws");
    socket = new WebSocket(`${origin}/ws/summarize?${query}`, key() ? [`recap.key.${key()}`] : []);
    button.textContent = "Disconnect";
    socket.addEventListener("message", (event) => show(pretty(event.data, "json")));
    socket.addEventListener("close", (event) => {
      show(`closed: ${event.code} ${event.reason}`);
      socket = null;
      button.textContent = "Connect";
    });
  });
  const rows = inputs.flatMap(({ parameter, input }) => [
    el("label", { for: input.id }, el("code", {}, parameter.name)),
    el("div", {}, input, el("div", { class: "small dim" }, inline(parameter.description ?? ""))),
  ]);
  return [el("div", { class: "fields" }, rows), el("div", { class: "row" }, button), frames];
}

function framesView(root) {
  const messages = Object.entries(root.components.messages).map(([name, message]) =>
    el("details", { class: "reply" }, el("summary", {}, el("code", {}, name), " ", el("span", { class: "dim" }, inline(message.summary))), el("div", {}, schemaView(root, message.payload))));
  return el("section", { id: "frames" }, el("h2", {}, "Frames of the WebSocket"), el("div", { class: "prose" }, prose(root.info.description)), el("div", {}, messages));
}

/** Path and method of each operation; one for a certain name after those that hold for any. */
function operationsOf(root, tag) {
  const all = Object.entries(root.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag)).map((method) => [path, method]),
  );
  const takes = (pattern, path) => new RegExp(`^${pattern.replace(/\{[^}]*\}/g, "[^/{]+")}$`).test(path);
  const special = ([path, method]) => all.some(([other, its]) => its === method && other !== path && takes(other, path));
  return [...all.filter((one) => !special(one)), ...all.filter(special)];
}

function show(root, socket) {
  document.getElementById("version").textContent = root.info.version;
  const main = document.getElementById("main");
  const nav = document.getElementById("nav");
  main.replaceChildren(el("section", {}, el("div", { class: "prose" }, prose(root.info.description))));
  for (const tag of root.tags) {
    const views = [];
    const links = [];
    for (const [path, method] of operationsOf(root, tag.name)) {
      const { operationId, summary } = root.paths[path][method];
      views.push(operationView(root, path, method, root.paths[path]));
      links.push(el("a", { href: `#${operationId}` }, el("span", { class: `method ${method}` }, method.toUpperCase()), summary));
    }
    nav.append(el("h2", {}, tag.name), ...links);
    main.append(el("section", {}, el("h2", {}, tag.name), el("p", { class: "dim" }, tag.description), views));
    if (tag.name === "Live") {
      main.append(framesView(socket));
      nav.append(el("a", { href: "#frames" }, "Frames"));
    }
  }
  openTarget();
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView();
}

async function load(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

startHeader();
addEventListener("hashchange", openTarget);
try {
  const [root, socket] = await Promise.all([load("/openapi.json"), load("/asyncapi.json")]);
  show(root, socket);
} catch (error) {
  document.getElementById("loading").textContent = `The documents could not be read: ${error.message}`;
}
