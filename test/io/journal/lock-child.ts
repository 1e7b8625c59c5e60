/*
 * Takes the lock of a directory and says so, or says why it could not. Keeps it until its standard
 * input ends. Argument: directory.
 */
import { lockDirectory } from "../../../src/io/lock-file.js";

const [, , directory = ""] = process.argv;
try {
  await lockDirectory(directory);
  process.stdout.write("locked\n");
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
