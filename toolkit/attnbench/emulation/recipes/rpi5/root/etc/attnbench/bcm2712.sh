# The clocks and the sensor of a Raspberry Pi 5, as writable copies bound over the machine's own.
# As on a real one, only root may change a governor.

cpus=/run/cpu
mkdir -p "$cpus/cpufreq/policy0" /run/thermal/thermal_zone0
cp -r /sys/devices/system/cpu/. "$cpus" 2>/dev/null
cd "$cpus/cpufreq/policy0" || exit 1
echo '0 1 2 3' >related_cpus
echo '0 1 2 3' >affected_cpus
echo ondemand >scaling_governor
echo 'conservative ondemand userspace powersave performance schedutil' >scaling_available_governors
for file in cpuinfo_max_freq scaling_max_freq scaling_cur_freq; do echo 2400000 >$file; done
for file in cpuinfo_min_freq scaling_min_freq; do echo 1500000 >$file; done
for number in 0 1 2 3; do ln -s ../cpufreq/policy0 "$cpus/cpu$number/cpufreq"; done
cd /
mount --bind "$cpus" /sys/devices/system/cpu

echo cpu-thermal >/run/thermal/thermal_zone0/type
echo 45250 >/run/thermal/thermal_zone0/temp
mount --bind /run/thermal /sys/class/thermal
