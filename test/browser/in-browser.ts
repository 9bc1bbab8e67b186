/** The browser that the tests of a file share, and how they are run: import it once, at the top. */
import test from 'ava';
import type {Browser} from 'playwright-core';
import {findChromium, launchBrowser} from './browser.ts';

const program = findChromium();
// Run by itself (`npm run test:browser`), as all tests with a browser are.
const isAsked = process.env['BROADSHEET_BROWSER'] !== undefined;
let launched: Browser | undefined;

/** A test with a browser, one after another: several at once take longer, and more than a small machine has. */
export const testInBrowser = isAsked && program !== undefined ? test.serial : test.skip;

/** Gives the browser of the file's tests; it ends with the last of them. */
export function sharedBrowser(): Browser {
	if (launched === undefined) throw new Error('expected to be asked within a test');
	return launched;
}

if (isAsked && program !== undefined) {
	test.before(async () => {
		launched = await launchBrowser(program);
	});
	test.after.always(() => launched?.close());
}
if (isAsked && program === undefined) console.log('skipped: no chromium is here');
