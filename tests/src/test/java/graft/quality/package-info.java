/** The house rules that a machine can check: who may use whom, how long methods and files may be. */
package graft.quality;
