import { describeEngine } from '../compliance.ts';
import { PlainScan } from './scan.ts';

describeEngine('plain-scan', (dims) => new PlainScan(dims));
