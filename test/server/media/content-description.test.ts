import test from 'ava';
import {readDispositionName} from '../../../server/media/content-description.ts';

test('the name of a file is read from every form of Content-Disposition, and from nothing that only looks like one', (t) => {
	for (const [value, name] of [
		[undefined, null],
		['attachment', null],
		['attachment; filename=report.pdf', 'report.pdf'],
		['inline;filename = "a \\"b\\".png" ; size=5', 'a "b".png'],
		['INLINE; FileName*=UTF-8\'en\'%e2%82%ac%20rates; filename="rates"', '€ rates'],
		['inline; filename="rates"; filename*=iso-8859-1\'\'%a3', 'rates'],
		["inline; filename*=utf-8''%zz; filename=rates", 'rates'],
		['inline; filename=', null],
		['inline; flag; filename=two words.txt; x', 'two words.txt'],
		['inline; filename="x; filename*=utf-8\'\'other.exe"', "x; filename*=utf-8''other.exe"],
		['inline; note="; filename=other.exe"; filename=right.txt', 'right.txt'],
		['inline; filename="a"; filename="b"', 'a'],
		[`inline; filename="${'x'.repeat(256)}"`, null],
		['inline; filename="a\u0000b"', null],
	] as const) {
		t.is(readDispositionName(value), name, value);
	}
});
