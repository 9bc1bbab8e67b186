export {type Logger, makeLogger} from './log.ts';
export {LoopMeter} from './loop-meter.ts';
export {makeMetrics, type Metrics} from './metrics.ts';
