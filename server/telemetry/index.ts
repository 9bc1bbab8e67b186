export {type Logger, makeLogger} from './log.ts';
export {makeMetrics, type Metrics} from './metrics.ts';
