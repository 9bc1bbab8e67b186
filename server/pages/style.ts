/** The style of all plain pages: readable without fonts, images or scripts, in light and dark. */
export const style = `:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
label { display: block; margin: 1rem 0 0.25rem; font-weight: 600; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: 0.5rem; }
button { margin-top: 1.5rem; cursor: pointer; }
[role="alert"] { border-left: 0.25rem solid #c00; padding-left: 0.75rem; }
.hint { font-size: 0.9rem; margin: 0.25rem 0 0; }
`;
