/** What describes and checks the form of files. Here for the two kinds of files that we read. */
export { z } from "zod";
