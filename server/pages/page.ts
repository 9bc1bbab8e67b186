import {type Html, html} from './html.ts';

/** Where the style of all pages is served. */
export const stylePath = '/_broadsheet/pages/style.css';
/** Where the script is served that tells a client's window that a stage is done. */
export const authDonePath = '/_broadsheet/pages/auth-done.js';

/**
 * Headers of every page: nothing is loaded but our own style and script, nothing frames it, nothing learns its
 * address (which holds secrets), and nobody keeps it.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
	'cache-control': 'no-store',
	'content-security-policy':
		"default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
};

/** The script that the specification gives for the end of a fallback page. */
export const authDoneScript = `if (window.onAuthDone) {
	window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
	window.opener.postMessage('authDone', '*');
}
`;

/** A whole page around its main part. */
export function page(title: string, main: Html, options: {readonly script?: string} = {}): string {
	const script = options.script === undefined ? html`` : html`<script src="${options.script}" defer></script>`;
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${stylePath}">
${script}
</head>
<body>
<main>
<h1>${title}</h1>
${main}
</main>
</body>
</html>
`.text;
}

/** What went wrong with a form, above it; nothing where nothing did. */
export function alert(problem: string | undefined): Html {
	return problem === undefined ? html`` : html`<p role="alert">${problem}</p>`;
}
