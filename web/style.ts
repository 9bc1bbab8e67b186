/**
 * The style of all pages: readable without fonts, images or scripts, in light and dark, from left to right and from right
 * to left. Colours have a contrast of at least 4.5 to 1.
 */
export const style = `:root { color-scheme: light dark; --paper: #f4f5f7; --card: #fff; --ink: #16181d; --quiet: #565c68; --line: #8a919e; --edge: #d9dce2; --accent: #1d4ed8; --on-accent: #fff; --bad: #b3121d; --good: #14642b; }
@media (prefers-color-scheme: dark) {
:root { --paper: #111318; --card: #1b1e25; --ink: #eceef2; --quiet: #a9b0bd; --line: #7d8593; --edge: #343945; --accent: #9db8ff; --on-accent: #0d1220; --bad: #ff9a9a; --good: #8fdda6; }
}
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); margin: 0 auto; max-width: 30rem; padding: 1rem; overflow-wrap: break-word; }
main { background: var(--card); border: 1px solid var(--edge); border-radius: 0.75rem; padding: 1.5rem; margin-block: 1rem; }
@media (min-width: 40rem) { body { padding-block: 3rem; } main { padding: 2rem; } }
header { color: var(--quiet); display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; justify-content: space-between; align-items: center; }
header p { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
p { margin: 0.75rem 0; }
a { color: var(--accent); }
label { display: block; margin: 1rem 0 0.25rem; font-weight: 600; }
input, select { font: inherit; color: inherit; background: var(--card); width: 100%; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 0.5rem; }
input[type="checkbox"], input[type="radio"] { width: auto; margin-inline-end: 0.5rem; }
button, .button { font: inherit; font-weight: 600; display: block; width: 100%; margin-top: 1.5rem; padding: 0.65rem 1rem; border: 1px solid var(--accent); border-radius: 0.5rem; background: var(--accent); color: var(--on-accent); text-align: center; text-decoration: none; cursor: pointer; }
button.second, .button.second { background: none; color: var(--accent); margin-top: 0.75rem; }
button.danger { background: none; border-color: var(--bad); color: var(--bad); }
button.small { display: inline-block; width: auto; margin: 0; padding: 0.35rem 0.75rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role="alert"], [role="status"] { border-inline-start: 0.25rem solid var(--bad); color: var(--bad); padding-inline-start: 0.75rem; }
[role="status"] { border-color: var(--good); color: var(--good); }
.hint { color: var(--quiet); font-size: 0.9rem; margin: 0.25rem 0 0; }
ol:lang(fa) { list-style-type: persian; }
dt { color: var(--quiet); margin-top: 0.75rem; }
dd { margin: 0; }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain > li { border-top: 1px solid var(--edge); padding-block: 0.75rem; }
ul.plain > li:first-child { border-top: 0; }
.whole { white-space: nowrap; }
code, .code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
footer form { display: flex; flex-wrap: wrap; gap: 0.25rem; justify-content: center; }
footer button { width: auto; margin: 0; padding: 0.35rem 0.6rem; border: 0; background: none; color: var(--quiet); font-weight: 400; text-decoration: underline; }
footer button[aria-current] { text-decoration: none; font-weight: 600; color: var(--ink); }
`;
