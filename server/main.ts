// Flags first, and the program by a promise: what a module imports is loaded before the first of it runs.
import {keepMemorySmall} from './idle-memory.ts';
import {endStartup} from './startup-memory.ts';

const {runProgram} = await import('./program.ts');
await runProgram();
endStartup();
keepMemorySmall();
