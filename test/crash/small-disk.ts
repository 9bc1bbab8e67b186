/** A disk that can run full and be given room again: a small tmpfs where one may be mounted, else the library of disk.c. */
import {spawnSync} from 'node:child_process';
import {closeSync, mkdirSync, openSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {buildDisk, Disk, type DiskOptions} from './disk.ts';

const BLOCK_BYTES = 4_096;

/** What lies on the disk, and how large it is. */
export interface SmallDiskOptions {
	/** The directory; empty or absent. */
	readonly data: string;
	readonly sizeMebibytes: number;
	readonly owner?: DiskOptions['owner'];
}

/** Dispose of it when the program has ended. */
export interface SmallDisk extends Disposable {
	/** What the program's environment must hold. */
	readonly environment: Readonly<Record<string, string>>;
	/** From now on no file can grow. */
	fill(): void;
	/** There is room again. */
	makeRoom(): void;
}

/** Makes the disk. @throws where neither kind can be had, which {@link findDiskObstacle} tells. */
export function openSmallDisk(options: SmallDiskOptions): SmallDisk {
	return mountMemory(options) ?? useLibrary(options);
}

/** Why there can be no such disk on this machine, or undefined. */
export function findDiskObstacle(): string | undefined {
	const built = buildDisk();
	return 'skipped' in built ? built.skipped : undefined;
}

function mountMemory({data, sizeMebibytes}: SmallDiskOptions): SmallDisk | undefined {
	mkdirSync(data, {recursive: true});
	const {status} = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMebibytes}m`, 'tmpfs', data]);
	if (status !== 0) return undefined;
	// Lazily: what still has a file open is about to end.
	const unmount = () => void spawnSync('umount', ['--lazy', data], {stdio: 'ignore'});
	process.once('exit', unmount);
	const ballast = join(data, 'ballast');
	return {
		environment: {},
		fill() {
			const file = openSync(ballast, 'a');
			const block = Buffer.alloc(BLOCK_BYTES, 1);
			try {
				for (;;) writeSync(file, block);
			} catch (error) {
				if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
			} finally {
				closeSync(file);
			}
		},
		makeRoom: () => rmSync(ballast, {force: true}),
		[Symbol.dispose]() {
			process.off('exit', unmount);
			unmount();
		},
	};
}

function useLibrary({data, owner}: SmallDiskOptions): SmallDisk {
	const built = buildDisk();
	if ('skipped' in built) throw new Error(built.skipped);
	return new Disk(built.library, {data, isWhole: true, ...(owner !== undefined && {owner})});
}
