export {ReportsError, type ReportsErrorCode} from './errors.ts';
export {createReports, type Reports, type ReportsDependencies} from './reports.ts';
