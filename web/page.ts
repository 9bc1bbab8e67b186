import {hash} from 'node:crypto';
import {Html, html} from './html.ts';
import {type Language, languages, type TextKey} from './languages/index.ts';
import {style} from './style.ts';
import {say} from './text.ts';

/** What a page is made with, whatever it shows. */
export interface View {
	readonly language: Language;
	readonly serverName: string;
	/** What shows that a form is this browser's own; absent where the page's address is proof enough. */
	readonly csrf?: string | undefined;
	/** Path and query of the page, to come back to after another language is chosen. */
	readonly here: string;
	/** Who is signed in. */
	readonly userId?: string | undefined;
}

/** A page to be sent. */
export interface Page {
	/** The whole document. */
	readonly text: string;
	/** The scripts in it. */
	readonly scripts: readonly string[];
	/** Whether the page speaks with the window that opened it. */
	readonly isPopup: boolean;
	/** What a client around the page may open in a frame of it, as policies name it. */
	readonly frameSources: readonly string[];
}

interface PageOptions {
	/** Run when the document is there; nothing of ours depends on them but WebAuthn. */
	readonly scripts?: readonly string[];
	readonly isPopup?: boolean;
	readonly frameSources?: readonly string[];
}

/** Where a language is chosen. */
export const languagePath = '/account/language';

/** Where people sign out of these pages. */
export const signOutPath = '/account/sign-out';

/** A whole page around its main part. */
export function page(
	view: View,
	title: Html,
	main: Html,
	{scripts = [], isPopup = false, frameSources = []}: PageOptions = {},
): Page {
	const {language, serverName} = view;
	const {text} = html`<!doctype html>
<html lang="${language.tag}" dir="${language.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · ${serverName}</title>
<style>${styleText}</style>
</head>
<body>
<header><p><bdi dir="ltr">${serverName}</bdi></p>${signOut(view)}</header>
<main>
<h1>${title}</h1>
${main}
</main>
${chooser(view)}
${join(scripts.map((script) => html`<script type="module">${new Html(script)}</script>`))}
</body>
</html>
`;
	return {text, scripts, isPopup, frameSources};
}

const styleText = new Html(style);

function signOut(view: View): Html {
	if (view.userId === undefined) return html``;
	return html`<form method="post" action="${signOutPath}">${csrfField(view)}<button class="small second">${say(view.language, 'signOut')}</button></form>`;
}

function chooser({language, here}: View): Html {
	const buttons = languages.map(({tag, name, direction}) => {
		const current = tag === language.tag ? html` aria-current="true"` : html``;
		return html`<button name="language" value="${tag}" lang="${tag}" dir="${direction}"${current}>${name}</button>`;
	});
	return html`<footer><form method="post" action="${languagePath}" aria-label="${say(language, 'language')}">
<input type="hidden" name="return_to" value="${here}">${join(buttons)}</form></footer>`;
}

/** A form that is sent to the page's own address, or to another one of ours. */
export function form(view: View, fields: Html, {action}: {readonly action?: string} = {}): Html {
	const target = action === undefined ? html`` : html` action="${action}"`;
	return html`<form method="post"${target}>${csrfField(view)}${fields}</form>`;
}

/** The field that shows that a form is this browser's own. */
export function csrfField({csrf}: View): Html {
	return csrf === undefined ? html`` : html`<input type="hidden" name="csrf" value="${csrf}">`;
}

/** Puts parts one after another. */
export function join(parts: readonly Html[]): Html {
	return new Html(parts.map(({text}) => text).join('\n'));
}

/** What went wrong with a form, above it; nothing where nothing did. */
export function alert({language}: View, problem: TextKey | undefined): Html {
	return problem === undefined ? html`` : html`<p role="alert">${say(language, problem)}</p>`;
}

/** A Matrix id, an address, a code: from left to right whatever stands around it. */
export function code(text: string): Html {
	return html`<code dir="ltr">${text}</code>`;
}

/**
 * Gives the headers of a page: nothing is loaded, from nowhere; no style or script runs but those in the page; nothing
 * frames it, nothing learns its address (which may hold secrets), and nobody keeps it.
 * @param formTargets origins or schemes that the answer to a form of the page may lead to, as browsers ask for them
 */
export function pageHeaders(
	{scripts, isPopup, frameSources}: Page,
	formTargets: readonly string[] = [],
): Record<string, string> {
	const policy = [
		"default-src 'none'",
		`style-src ${styleHash}`,
		...(scripts.length === 0 ? [] : [`script-src ${scripts.map(hashSource).join(' ')}`, "connect-src 'self'"]),
		...(frameSources.length === 0 ? [] : [`frame-src ${frameSources.join(' ')}`]),
		`form-action ${["'self'", ...formTargets].join(' ')}`,
		"base-uri 'none'",
		"frame-ancestors 'none'",
	];
	return {
		'cache-control': 'no-store',
		'content-security-policy': policy.join('; '),
		// A page that speaks with the window which opened it must be left that window.
		'cross-origin-opener-policy': isPopup ? 'unsafe-none' : 'same-origin',
		'cross-origin-resource-policy': 'same-origin',
		'permissions-policy': 'camera=(), geolocation=(), microphone=()',
		'referrer-policy': 'no-referrer',
		'x-content-type-options': 'nosniff',
		'x-frame-options': 'DENY',
	};
}

const hashSource = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`;
const styleHash = hashSource(style);
