import {type Html, html} from '../html.ts';
import {csrfField, type View} from '../page.ts';
import {say} from '../text.ts';
import {hidden} from './parts.ts';

/** A form that the script of passkeys fills in with what the browser says. */
export function passkeyFields(view: View, options: object, fields: Html): Html {
	const {language} = view;
	return html`<noscript><p role="alert">${say(language, 'passkey.needsScript')}</p></noscript>
<p role="alert" id="failed" hidden>${say(language, 'passkey.wrong')}</p>
<form method="post" id="passkey" data-options="${JSON.stringify(options)}">${csrfField(view)}${hidden('passkey', '')}${fields}</form>`;
}
