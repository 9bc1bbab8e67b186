/** Text that is HTML already: made by {@link html} alone, so that nothing gets into a page unescaped. */
export class Html {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

const entities: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

/** A template whose values are escaped, for text and for quoted attributes; values that are {@link Html} stay as they are. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
	let text = strings[0] ?? '';
	for (const [index, value] of values.entries()) {
		text += value instanceof Html ? value.text : value.replace(/[&<>"']/g, (character) => entities[character] ?? '');
		text += strings[index + 1] ?? '';
	}
	return new Html(text);
}
