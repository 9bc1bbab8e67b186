import {randomBytes} from 'node:crypto';
import test from 'ava';
import * as fc from 'fast-check';
import {Seal} from '../../crypto/index.ts';

test('what was sealed for an owner opens for that owner, and says nothing to others', (t) => {
	const seal = new Seal(randomBytes(32), randomBytes);
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 200}), fc.string(), fc.string(), (bytes, owner, other) => {
			fc.pre(owner !== other);
			const sealed = seal.seal(bytes, owner);
			const opened = seal.open(sealed, owner);
			return (
				opened !== undefined &&
				Buffer.compare(opened, bytes) === 0 &&
				sealed.length === Math.ceil(((bytes.length + 28) * 4) / 3) &&
				seal.open(sealed, other) === undefined &&
				seal.seal(bytes, owner) !== sealed
			);
		}),
	);
	t.pass();
});

test('what was changed, cut, lengthened or sealed under another secret does not open', (t) => {
	const seal = new Seal(randomBytes(32), randomBytes);
	const sealed = seal.seal(Buffer.from('twenty rooms'), 'alice');
	for (let index = 0; index < sealed.length; index += 1) {
		const changed = sealed.slice(0, index) + (sealed[index] === 'A' ? 'B' : 'A') + sealed.slice(index + 1);
		t.is(seal.open(changed, 'alice'), undefined, `character ${index}`);
		t.is(seal.open(sealed.slice(0, index), 'alice'), undefined, `the first ${index}`);
	}
	for (const text of [`${sealed}AAAA`, `${sealed}=`, ` ${sealed}`, '', 'ü', 'A'.repeat(37)]) {
		t.is(seal.open(text, 'alice'), undefined, text);
	}
	t.is(new Seal(randomBytes(32), randomBytes).open(sealed, 'alice'), undefined);
});
