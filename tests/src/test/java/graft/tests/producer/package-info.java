/** Objects that other compilers than clang make, run in a real process. Open {@code OtherCompilersTest} first. */
package graft.tests.producer;
